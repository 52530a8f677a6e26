//! Signing in and out, and what a session is worth.
use crate::common::{self, PASSWORD, Server, signed};
use serde_json::json;

mod given_an_enrolled_officer {
    use super::*;

    #[test]
    fn when_the_password_is_right_then_the_session_knows_its_roles() {
        let server = Server::start();
        let token = server.sign_in("clerk-1");
        let session = server.get("/api/v1/session", Some(&token)).expect(200);
        assert_eq!(session["actor"], json!(server.actor("clerk-1")));
        assert_eq!(session["roles"], json!(["clerk"]));
        assert_eq!(session["signs_here"], json!(true));
        assert_eq!(token.len(), 64, "256 random bits");
    }

    #[test]
    fn when_the_password_is_wrong_or_the_actor_unknown_then_both_get_the_same_answer() {
        let server = Server::start();
        server.sign_in("clerk-1");
        let ask = |actor: &str| {
            server.post("/api/v1/sign-in", None, &json!({ "actor": actor, "password": "not this password" }))
        };
        let (wrong, unknown) = (ask(&server.actor("clerk-1")), ask(&common::id()));
        wrong.refused(401, "api.wrong_password");
        assert_eq!(wrong.text, unknown.text);
        assert!(!wrong.text.contains("not this"), "the password is repeated");
    }

    #[test]
    fn when_half_an_hour_passes_without_a_request_then_the_session_is_over() {
        let server = Server::start();
        let token = server.sign_in("clerk-1");
        server.clock.advance_seconds(30 * 60);
        server.get("/api/v1/session", Some(&token)).expect(200);
        server.clock.advance_seconds(30 * 60 + 1);
        server.get("/api/v1/session", Some(&token)).refused(401, "api.not_signed_in");
    }

    #[test]
    fn when_a_session_is_used_all_day_then_it_ends_all_the_same() {
        let server = Server::start();
        let token = server.sign_in("clerk-1");
        for _ in 0..24 {
            server.clock.advance_seconds(29 * 60);
            server.get("/api/v1/session", Some(&token)).expect(200);
        }
        server.clock.advance_seconds(29 * 60);
        server.get("/api/v1/session", Some(&token)).refused(401, "api.not_signed_in");
    }

    #[test]
    fn when_they_sign_in_again_then_the_old_id_is_worth_nothing() {
        let server = Server::start();
        let old = server.sign_in("clerk-1");
        let body = json!({ "actor": server.actor("clerk-1"), "password": PASSWORD });
        let new = server.post("/api/v1/sign-in", Some(&old), &body).expect(200);
        assert_ne!(new["token"], json!(old));
        server.get("/api/v1/session", Some(&old)).refused(401, "api.not_signed_in");
    }

    #[test]
    fn when_they_sign_out_then_the_session_is_over_and_a_get_does_not_do_it() {
        let server = Server::start();
        let token = server.sign_in("clerk-1");
        server.get("/api/v1/sign-out", Some(&token)).refused(405, "api.wrong_method");
        server.get("/api/v1/session", Some(&token)).expect(200);
        let reply = server.post("/api/v1/sign-out", Some(&token), &json!({}));
        assert!(reply.headers["set-cookie"].starts_with("__Host-adit=; "));
        server.get("/api/v1/session", Some(&token)).refused(401, "api.not_signed_in");
    }

    #[test]
    fn when_they_are_suspended_then_their_session_ends() {
        let server = Server::start();
        let token = server.sign_in_by_key("clerk-1");
        let stream = format!("actor/{}", server.actor("clerk-1"));
        let last = server.size();
        server.execute(
            Some(&stream),
            "actor.suspend",
            &json!({ "last": last, "because": "调离" }),
            &["admin-1"],
        );
        server.app.office.ledger().publish_now();
        server.execute(
            None,
            "enterprise.register",
            &json!({ "name": "又一矿", "sector": "mine", "town": "镇",
            "licence": "full", "producing": true }),
            &["clerk-2"],
        );
        server.get("/api/v1/session", Some(&token)).refused(401, "api.not_signed_in");
    }

    #[test]
    fn when_they_change_the_password_then_only_the_new_one_works() {
        let server = Server::start();
        let token = server.sign_in("clerk-1");
        let change = |old: &str, new: &str| {
            server.post("/api/v1/password", Some(&token), &json!({ "old": old, "new": new }))
        };
        change(PASSWORD, "short").refused(422, "api.password_too_short");
        change("not this password", "another password").refused(401, "api.wrong_password");
        change(PASSWORD, "another password").expect(200);
        let sign_in = |password: &str| {
            server.post(
                "/api/v1/sign-in",
                None,
                &json!({ "actor": server.actor("clerk-1"), "password": password }),
            )
        };
        sign_in(PASSWORD).refused(401, "api.wrong_password");
        sign_in("another password").expect(200);
    }
}

mod given_a_browser {
    use super::*;

    fn cookie(server: &Server) -> String {
        let person = server.person("clerk-1");
        server.app.keystore.store(person.actor, &person.key, PASSWORD).unwrap();
        let body = json!({ "actor": person.actor, "password": PASSWORD });
        let reply = server.post("/api/v1/sign-in", None, &body);
        let set = reply.headers["set-cookie"].clone();
        for part in ["__Host-adit=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
            assert!(set.contains(part), "{set}");
        }
        set.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn when_another_site_posts_with_the_cookie_then_it_is_refused() {
        let server = Server::start();
        let cookie = cookie(&server);
        let out = |headers: &[(&str, &str)]| {
            let mut all = vec![("cookie", cookie.as_str())];
            all.extend(headers);
            server.send("POST", "/api/v1/sign-out", &all, Some(b""))
        };
        out(&[("sec-fetch-site", "cross-site")]).refused(403, "api.cross_site");
        out(&[("sec-fetch-site", "same-site")]).refused(403, "api.cross_site");
        out(&[("origin", "https://evil.example")]).refused(403, "api.cross_site");
        out(&[]).refused(403, "api.cross_site");
        server.send("GET", "/api/v1/session", &[("cookie", &cookie)], None).expect(200);
        out(&[("sec-fetch-site", "same-origin")]).expect(200);
    }

    #[test]
    fn when_it_is_too_old_for_fetch_metadata_then_origin_decides() {
        let server = Server::start();
        let cookie = cookie(&server);
        let headers = [("cookie", cookie.as_str()), ("origin", server.url.as_str())];
        server.send("POST", "/api/v1/sign-out", &headers, Some(b"")).expect(200);
    }

    #[test]
    fn when_a_form_is_posted_instead_of_json_then_it_is_refused() {
        let server = Server::start();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        server.send("POST", "/api/v1/sign-in", &form, Some(b"actor=x")).refused(415, "api.not_json");
    }
}

mod given_a_key_that_the_client_keeps {
    use super::*;

    #[test]
    fn when_the_challenge_is_signed_then_the_session_reads_but_does_not_sign() {
        let server = Server::start();
        let token = server.sign_in_by_key("inspector-1");
        let session = server.get("/api/v1/session", Some(&token)).expect(200);
        assert_eq!((&session["roles"], &session["signs_here"]), (&json!(["inspector"]), &json!(false)));
        let reply =
            server.command(&token, None, "hazard.report", &common::self_report(&server.enterprises[0]));
        reply.refused(409, "api.key_elsewhere");
    }

    #[test]
    fn when_a_challenge_is_used_twice_late_or_made_up_then_it_is_refused() {
        let server = Server::start();
        let key = &server.person("inspector-1").key;
        let ask = || server.post("/api/v1/challenge", None, &json!({})).expect(200)["challenge"].clone();
        let answer =
            |text: &str| server.post("/api/v1/sign-in/key", None, &json!({ "note": signed(text, key) }));
        let text = ask();
        answer(text.as_str().unwrap()).expect(200);
        answer(text.as_str().unwrap()).refused(401, "api.bad_challenge");
        let late = ask();
        server.clock.advance_seconds(121);
        answer(late.as_str().unwrap()).refused(401, "api.bad_challenge");
        answer("adit.v1 sign-in test.example/ledger\n2024-05-10T02:00:00Z x y\n")
            .refused(401, "api.bad_challenge");
        let stranger = adit_core::ledger::vkey::SigningKey::generate(key.name()).unwrap();
        let note = signed(ask().as_str().unwrap(), &stranger);
        server.post("/api/v1/sign-in/key", None, &json!({ "note": note })).refused(401, "api.bad_challenge");
    }
}
