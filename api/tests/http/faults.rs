//! When the machine fails: the answer says what is known of the command, and what was answered before stays.

use std::io::ErrorKind;

use adit_core::ledger::disk::{Fault, FaultyDisk};
use serde_json::{Value, json};

use crate::common::{PASSWORD, Server, self_report};

mod given_a_disk_that_fails {
    use super::*;

    /// A server, an enterprise's token, and a command for it.
    fn server(disk: &FaultyDisk) -> (Server, String, Value) {
        let server = Server::start_on(disk);
        let token = server.sign_in("enterprise-1");
        let data = self_report(&server.enterprises[0]);
        (server, token, data)
    }

    #[test]
    fn when_it_is_full_then_nothing_was_written_and_further_writes_wait_for_a_restart() {
        let disk = FaultyDisk::default();
        let (server, token, data) = server(&disk);
        let before = server.command(&token, None, "hazard.report", &data).expect(200);
        let size = server.size();
        disk.fail_at(server.next_step(&disk), Fault::Error(ErrorKind::StorageFull));
        server.command(&token, None, "hazard.report", &data).refused(503, "api.not_written");
        server.command(&token, None, "hazard.report", &data).refused(503, "api.halted");
        assert_eq!(server.size(), size);
        // Reading goes on.
        let hazard = before["stream"].as_str().unwrap();
        server.get(&format!("/api/v1/streams/{hazard}"), Some(&token)).expect(200);
    }

    #[test]
    fn when_the_sync_fails_then_nobody_claims_to_know() {
        let disk = FaultyDisk::default();
        let (server, token, data) = server(&disk);
        disk.fail_at(server.next_step(&disk) + 1, Fault::Error(ErrorKind::Other));
        server.command(&token, None, "hazard.report", &data).refused(503, "api.unknown");
        server.command(&token, None, "hazard.report", &data).refused(503, "api.halted");
    }
}

#[test]
fn given_a_clock_that_was_set_back_then_a_command_waits_until_it_is_right() {
    let server = Server::start();
    let token = server.sign_in("enterprise-1");
    let data = self_report(&server.enterprises[0]);
    server.clock.advance_seconds(-60);
    server.command(&token, None, "hazard.report", &data).refused(503, "api.clock_behind");
    server.clock.advance_seconds(60);
    server.command(&token, None, "hazard.report", &data).expect(200);
}

#[test]
fn given_more_sign_ins_than_the_server_can_hash_then_the_rest_are_told_to_come_back() {
    let server = Server::start();
    let token = server.sign_in("clerk-1");
    let body = json!({ "actor": server.actor("clerk-1"), "password": "not the password" });
    let replies: Vec<(u16, String)> = std::thread::scope(|scope| {
        let many: Vec<_> = (0..200)
            .map(|_| {
                let (server, body) = (&server, &body);
                scope.spawn(move || {
                    let reply = server.post("/api/v1/sign-in", None, body);
                    (reply.status, reply.code())
                })
            })
            .collect();
        many.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let count = |status: u16, code: &str| replies.iter().filter(|r| **r == (status, code.to_owned())).count();
    let (wrong, busy) = (count(401, "api.wrong_password"), count(429, "api.too_many_sign_ins"));
    assert_eq!(wrong + busy, 200, "{replies:?}");
    assert!(wrong >= 1 && busy >= 1, "{wrong} refused, {busy} told to come back");
    // Whoever is signed in notices nothing, and the right password works again.
    server.get("/api/v1/session", Some(&token)).expect(200);
    let body = json!({ "actor": server.actor("clerk-1"), "password": PASSWORD });
    server.post("/api/v1/sign-in", None, &body).expect(200);
}
