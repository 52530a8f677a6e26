//! Finance at the desk: from what waits to what is paid, without a link to what it may not read.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use crate::common::Server;
use crate::desk::{fields_of, link, page, send};
use crate::reporter::{answered, hidden, my, rewarded, send as send_form, simple, stream_of};

#[test]
fn given_a_reward_that_waits_then_finance_is_led_to_its_voucher_and_told_that_it_is_paid() {
    let server = Server::start();
    let secret = simple(&server);
    let report = stream_of(&server, &secret);
    answered(&server, &report);
    rewarded(&server, &report);
    let mine = my(&server, &secret, "", &[]).text;
    let claimed = send_form(&server, "/my?lang=zh", &hidden(&mine, "claim"), &[]).text;
    let code = claimed.split("class=\"voucher\">").nth(1).and_then(|rest| rest.split('<').next()).unwrap();

    let finance = server.sign_in("finance-1");
    for path in ["/desk", "/desk/tables/rewards"] {
        let shown = page(&server, &finance, path);
        assert_eq!(shown.status, 200, "{}", shown.text);
        assert!(!shown.text.contains("/desk/streams/reward"), "{path} leads where nothing is told");
    }
    let waits = page(&server, &finance, "/desk").text;
    assert!(!waits.contains("/desk/do/reward.pay"), "a payment without a voucher: {waits}");
    assert!(waits.contains("class=\"button small\" href=\"/desk/vouchers\""), "{waits}");

    let found = send(&server, Some(&finance), "/desk/vouchers", &[("code", code)]);
    assert_eq!(found.status, 200, "{}", found.text);
    let form = page(&server, &finance, &link(&found.text, "/desk/do/reward.pay"));
    let mut fields = fields_of(&form.text);
    fields.push(("voucher".to_owned(), "2024-017".to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let paid = send(&server, Some(&finance), "/desk/do/reward.pay", &fields);
    assert_eq!(paid.status, 303, "{}", paid.text);
    assert!(paid.headers["location"].starts_with("/desk/vouchers?recorded="), "{:?}", paid.headers);
    let shown = page(&server, &finance, &paid.headers["location"]).text;
    assert!(shown.contains("banner good"), "it is not said that it is paid: {shown}");
}
