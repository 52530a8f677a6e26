//! Internal reports: the table, and that the public learns no step from another.

use adit_core::concern::{self, ConcernDecider};
use adit_core::decider::StreamEvent as _;
use adit_core::id::StreamKind;
use adit_core::ledger::entry::Line;
use adit_core::secret::voucher_hash;
use serde_json::json;

use super::{Table, key, stream};

#[test]
fn concern() {
    let enterprise = stream(StreamKind::Enterprise, 1);
    let facts =
        concern::Facts { acts_for: Some(enterprise), channel_open: true, hazard_of: Some(enterprise) };
    let raise = json!({ "enterprise": enterprise, "words": "未支护", "key": key().vkey() });
    let reward = |amount: Option<&str>, honour: Option<&str>| json!({ "amount_yuan": amount, "honour": honour, "collect_at": "传达室" });
    let commands = [
        ("concern.raise", raise.clone()),
        ("concern.raise by_one_enterprise", raise),
        ("concern.write", json!({ "words": "还在" })),
        ("concern.write by_one_clerk", json!({ "words": "还在" })),
        ("concern.answer", json!({ "words": "去看" })),
        ("concern.answer by_one_clerk", json!({ "words": "去看" })),
        ("concern.take_up", json!({ "hazard": stream(StreamKind::Hazard, 2), "words": "已登记" })),
        ("concern.decline", json!({ "because": "已支护" })),
        ("concern.reward", reward(Some("500"), Some("记功"))),
        ("concern.reward honour", reward(None, Some("记功"))),
        ("concern.reward nothing", reward(None, None)),
        ("concern.reward zero", reward(Some("0"), Some("记功"))),
        ("concern.claim", json!({ "voucher_hash": voucher_hash("甲1") })),
        ("concern.claim no_hash", json!({ "voucher_hash": "甲1" })),
        ("concern.hand_over", json!({ "voucher": "甲 1" })),
        ("concern.hand_over other", json!({ "voucher": "甲2" })),
    ];
    let table = Table::<ConcernDecider>::new(facts, &commands, &[]);
    let way = ["concern.raise", "concern.take_up", "concern.reward", "concern.claim", "concern.hand_over"];
    let states: [(&str, &[&str]); 9] = [
        ("absent", &[]),
        ("raised", &way[..1]),
        ("answered", &["concern.raise", "concern.answer"]),
        ("declined", &["concern.raise", "concern.decline"]),
        ("taken_up", &way[..2]),
        ("rewarded", &way[..3]),
        ("honoured", &["concern.raise", "concern.answer", "concern.reward honour"]),
        ("claimed", &way[..4]),
        ("handed_over", &way),
    ];
    insta::assert_snapshot!(table.print(&states));
    // Of all steps the first alone shows anything: the key that it brings.
    for (nth, name) in way.into_iter().enumerate() {
        for event in table.decide(&table.after(&way[..nth]), name).expect("a step of the way") {
            assert_eq!(event.public_kind(), "concern.note");
            assert_eq!(event.lines(), if nth == 0 { vec![Line::Key(key().vkey())] } else { Vec::new() });
        }
    }
    let closed = Table::<ConcernDecider>::new(concern::Facts::default(), &commands, &[]);
    assert_eq!(closed.decide(&concern::State::default(), "concern.raise"), Err("concern.channel_closed"));
    assert_eq!(closed.decide(&table.after(&way[..1]), "concern.answer"), Err("concern.needs_enterprise"));
}
