//! Days at the workbench in a real browser without scripts: each role's pages, on a telephone and on a desk, in both languages.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use serde_json::{Value, json};

use crate::browser::run;
use crate::common::{PASSWORD, Server, id};
use crate::evidence::photograph;
use crate::sealed::{reported, with_intake};

/// Largest page, in bytes.
const PAGE_BYTES_MAX: u64 = 300_000;

/// Each page fits its window, is small, and has nothing that axe finds wrong.
#[track_caller]
pub(crate) fn sound(said: &Value) {
    assert_eq!(said["foreign"], json!([]), "another site was asked");
    for page in said["seen"].as_array().expect("pages") {
        assert_eq!(page["faults"], json!([]), "{page}");
        assert_eq!(page["fits"], json!(true), "{page}");
        assert!(page["size"].as_u64().is_some_and(|size| size < PAGE_BYTES_MAX), "{page}");
    }
}

pub(crate) fn day(server: &Server, who: &str, locale: &str, width: u32, steps: &Value) -> Value {
    day_with(server, who, locale, width, steps, false)
}

pub(crate) fn day_with(
    server: &Server,
    who: &str,
    locale: &str,
    width: u32,
    steps: &Value,
    scripts: bool,
) -> Value {
    let person = server.person(who);
    server.app.keystore.store(person.actor, &person.key, PASSWORD).expect("stored");
    let said = run(
        "desk.mjs",
        json!({ "url": server.url, "locale": locale, "width": width, "account": person.actor.to_string(),
            "password": PASSWORD, "steps": steps, "name": format!("desk-{who}-{}-{width}", &locale[..2]),
            "scripts": scripts, "height": (width > 1280).then_some(1080) }),
    );
    sound(&said);
    said
}

/// From the enterprise's own finding to the strike off the list, each step by the button on somebody's page.
#[test]
#[allow(clippy::too_many_lines, reason = "one hazard's whole life, step by step")]
fn given_a_hazard_then_everybody_finds_their_next_step_on_their_own_page_until_it_is_closed() {
    let server = Server::start();
    let zh = "zh-CN";
    let second = server.person("inspector-2");
    server.app.keystore.store(second.actor, &second.key, PASSWORD).expect("stored");
    let said = day(
        &server,
        "enterprise-1",
        zh,
        360,
        &json!([
            { "look": "home" },
            { "click": "登记隐患" },
            { "look": "report" },
            { "fill": { "place": "主井口", "description": "通风机停转，备用风机无法启动" } },
            { "press": "签署：登记隐患" },
            { "see": "已签署" },
            { "look": "recorded" },
        ]),
    );
    let hazard = said["url"].as_str().and_then(|url| url.split("/streams/").nth(1)).expect("a page");
    let hazard = hazard.split('?').next().expect("an address").to_owned();
    day(
        &server,
        "inspector-1",
        zh,
        360,
        &json!([
            { "look": "home" },
            { "click": "核实定级" },
            { "look": "verify" },
            { "fill": { "because": "双电源失效", "criterion": "NCM88-一(地下矿山)-四", "_password": PASSWORD } },
            { "choose": { "_second": "inspector-2" } },
            { "press": "签署：核实定级" },
            { "see": "已签署" },
        ]),
    );
    day(
        &server,
        "handler-1",
        "en-US",
        1280,
        &json!([
            { "look": "home" },
            { "click": "Assign" },
            { "fill": { "responsible_post": "通风区长", "due": "2024-05-20" } },
            { "look": "assign" },
            { "press": "Sign: Assign" },
            { "see": "Signed" },
            { "goto": format!("/desk/streams/{hazard}") },
            { "open": "Why the rest" },
            { "look": "hazard" },
        ]),
    );
    let plan = ["aim", "responsibility", "measures", "funds", "time_limit", "emergency_plan"];
    let plan: Value = plan.iter().map(|name| ((*name).to_owned(), json!("更换风机并做双电源试验"))).collect();
    let mut steps = vec![
        json!({ "click": "主井口" }),
        json!({ "click": "填写治理方案" }),
        json!({ "look": "plan" }),
        json!({ "fill": plan }),
        json!({ "press": "签署：填写治理方案" }),
        json!({ "see": "已签署" }),
    ];
    let elements = ["responsibility", "measures", "funds", "time_limit", "emergency_plan"];
    for element in elements {
        steps.push(json!({ "goto": format!("/desk/do/hazard.evidence?stream={hazard}") }));
        steps.push(json!({ "check": { "element": element } }));
        steps.push(json!({ "fill": { "text": "现场照片与文件已存档" } }));
        steps.push(json!({ "press": "签署：提交佐证" }));
        steps.push(json!({ "see": "已签署" }));
    }
    steps.push(json!({ "look": "hazard" }));
    day(&server, "enterprise-1", zh, 1280, &json!(steps));
    let mut steps = Vec::new();
    for element in elements {
        steps.push(json!({ "goto": format!("/desk/do/hazard.confirm?stream={hazard}") }));
        steps.push(json!({ "check": { "element": element } }));
        steps.push(json!({ "press": "签署：确认要素到位" }));
        steps.push(json!({ "see": "已签署" }));
    }
    day(&server, "inspector-1", zh, 1280, &json!(steps));
    day(
        &server,
        "enterprise-1",
        zh,
        360,
        &json!([
            { "goto": format!("/desk/do/hazard.rectify?stream={hazard}") },
            { "fill": { "because": "双电源试验合格" } },
            { "press": "签署：报告整改完成" },
            { "see": "已签署" },
        ]),
    );
    day(
        &server,
        "inspector-1",
        zh,
        360,
        &json!([
            { "click": "现场复核" },
            { "check": { "passed": "true" } },
            { "fill": { "findings": "试验三次均在十分钟内切换", "_password": PASSWORD } },
            { "choose": { "_second": "inspector-2" } },
            { "press": "签署：现场复核" },
            { "see": "已签署" },
        ]),
    );
    let said = day(
        &server,
        "approver-1",
        zh,
        1280,
        &json!([
            { "look": "home" },
            { "click": "审核销号" },
            { "press": "签署：审核销号" },
            { "see": "已签署" },
            { "goto": format!("/desk/streams/{hazard}") },
            { "look": "closed" },
            { "goto": "/desk/figures" },
            { "look": "figures" },
            { "goto": "/desk/tables/register" },
            { "open": "筛选" },
            { "look": "register" },
        ]),
    );
    assert!(said["text"].as_str().is_some_and(|text| text.contains("主井口")), "{said}");
    let trace = hazard.replace("hazard/", "/desk/trace/");
    day(&server, "investigator-1", zh, 1280, &json!([{ "goto": trace }, { "look": "trace" }]));
    let facts = server.app.office.ledger().stream(&hazard.parse().expect("a stream")).expect("facts");
    let last = facts.last().map(|fact| fact.event.kind().to_owned());
    assert_eq!(last.as_deref(), Some("hazard.closed"));
}

#[test]
fn given_any_role_then_every_place_that_it_can_go_to_is_sound() {
    let server = Server::start();
    server.hazard(0);
    let tables = |names: &[&str]| -> Value {
        let mut steps = vec![json!({ "look": "home" })];
        for name in names {
            steps.push(json!({ "goto": format!("/desk/tables/{name}") }));
            steps.push(json!({ "look": name }));
        }
        Value::from(steps)
    };
    day(
        &server,
        "inspector-2",
        "zh-CN",
        360,
        &json!([{ "goto": "/desk/plans" }, { "look": "plans" }, { "goto": "/desk/me" }, { "look": "me" }, { "press": "启用第二因素" }, { "look": "second" }]),
    );
    day(
        &server,
        "admin-2",
        "zh-CN",
        1280,
        &json!([{ "goto": "/desk/accounts" }, { "look": "accounts" }, { "goto": "/desk/invitation" }, { "look": "invitation" }]),
    );
    day(&server, "finance-2", "zh-CN", 360, &json!([{ "goto": "/desk/vouchers" }, { "look": "vouchers" }]));
    for (who, locale, width, names) in [
        ("clerk-1", "zh-CN", 360, &["register", "deadlines"][..]),
        ("finance-1", "en-US", 360, &["rewards", "reward_budget"]),
        ("investigator-1", "zh-CN", 1280, &["accountability", "inquiries", "five_in_place"]),
        ("leader-1", "en-US", 1280, &["statistics", "supervision", "repeat_offenders"]),
        ("admin-1", "zh-CN", 360, &[]),
        ("auditor-1", "en-US", 360, &[]),
    ] {
        day(&server, who, locale, width, &tables(names));
    }
}

/// Columns that are chosen, cells that are refused, and the press that records; then the register with a view of one's own.
#[test]
fn given_a_register_of_before_then_a_clerk_takes_it_over_on_a_telephone_and_on_a_desk() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("登记表.csv");
    let head = "企业,行业,乡镇,隐患编号,隐患地点,隐患描述,发现日期,判定条款";
    let row = |number: u32| {
        format!(
            "示例甲铁矿（虚构）,矿山,示例镇（虚构）,2024-{number},一号竖井,支护缺失，锚网未覆盖到迎头,2024-03-05,NCM88-一(地下矿山)-十九"
        )
    };
    let bad = "示例乙铸造厂（虚构）,渔业,示例镇（虚构）,2024-9,,炉坑积水,2024-02-30,GM10-第九十九条-一";
    let text = [head, &row(1), &row(2), bad, &row(3)].join("\n").replace('，', "、");
    std::fs::write(&file, text).expect("written");
    for (who, locale, width, say) in [
        (
            "clerk-1",
            "zh-CN",
            360,
            [
                "检查并预览",
                "按此对应重新检查",
                "以下是预览",
                "签署并写入 3 行",
                "导入完成",
                "常用视图",
                "保存当前视图",
                "等待核实",
            ],
        ),
        (
            "clerk-2",
            "en-US",
            1280,
            [
                "Check and preview",
                "Check again with these",
                "This is a preview",
                "Discard it",
                "Check and preview",
                "Saved views",
                "Save this view",
                "To verify",
            ],
        ),
    ] {
        let [look, again, preview, press, done, views, save, view] = say;
        let register =
            "/desk/tables/register?origin=earlier_register&column=place&column=description&column=status";
        let said = day(
            &server,
            who,
            locale,
            width,
            &json!([
                { "goto": "/desk/import" },
                { "look": "import" },
                { "attach": { "file": [file] } },
                { "press": look },
                { "look": "import-columns" },
                { "choose": { "name": "企业" } },
                { "press": again },
                { "see": preview },
                { "look": "import-rows" },
                { "press": press },
                { "see": done },
                { "look": "import-done" },
                { "goto": register },
                { "open": views },
                { "fill": { "name": view } },
                { "press": save },
                { "open": views },
                { "look": "views" },
            ]),
        );
        assert!(said["text"].as_str().is_some_and(|text| text.contains(view)), "{said}");
    }
    let leader = server.sign_in_by_key("leader-1");
    let rows = server.get("/api/v1/projections/register?origin=earlier_register", Some(&leader)).expect(200);
    assert_eq!(rows["total"], 3, "what one recorded and the other discarded");
}

#[test]
fn given_a_report_then_intake_reads_it_and_writes_back_on_a_telephone() {
    let server = with_intake(Server::start());
    let report = reported(&server, &[]);
    let said = day(
        &server,
        "intake-1",
        "zh-CN",
        360,
        &json!([
            { "look": "home" },
            { "goto": format!("/desk/streams/{}", report.stream) },
            { "look": "case" },
            { "press": "拆阅 举报内容" },
            { "look": "opened" },
            { "goto": format!("/desk/reports/{}/write?command=report.message", report.id()) },
            { "fill": { "words": "收到。请补充具体在哪个工作面。" } },
            { "look": "write" },
            { "press": "签署：给举报人留言" },
            { "see": "已签署" },
            { "goto": "/desk/telephone" },
            { "look": "telephone" },
            { "goto": "/desk/tables/docket" },
            { "look": "docket" },
        ]),
    );
    assert!(said["text"].as_str().is_some_and(|text| text.contains("网络")), "{said}");
}

/// With scripts a page keeps up by itself, and a form says what happened and keeps what is typed.
#[test]
fn given_two_people_on_one_hazard_when_one_writes_then_the_page_of_the_other_shows_it_and_their_form_says_so()
{
    let server = Server::start();
    let hazard = server.hazard(0);
    let verify = json!({ "because": "符合条款", "criterion": null });
    server.execute(Some(&hazard), "hazard.verify", &verify, &["inspector-1", "inspector-2"]);
    let person = server.person("handler-1");
    server.app.keystore.store(person.actor, &person.key, PASSWORD).expect("stored");
    let other = server.sign_in("handler-2");
    let serve = |on: &str| {
        json!({ "id": id(), "token": other, "stream": hazard, "type": "hazard.serve",
            "data": { "principal": on == "principal", "controller": on == "controller" } })
    };
    let said = run(
        "live.mjs",
        json!({ "url": server.url, "account": person.actor.to_string(), "password": PASSWORD, "width": 360,
            "page": format!("/desk/streams/{hazard}"), "form": format!("/desk/do/hazard.assign?stream={hazard}"),
            "fill": { "responsible_post": "通风区长" }, "appears": "已送达企业",
            "writes": [serve("principal"), serve("controller")], "name": "desk-live" }),
    );
    assert_eq!(said["seen"], 0);
    assert_eq!(said["kept"], json!(["通风区长"]), "what is typed stays");
    for nothing in ["complaints", "foreign", "faults"] {
        assert_eq!(said[nothing], json!([]), "{nothing}");
    }
    assert_eq!(said["fits"], json!(true));
}

#[test]
fn given_those_who_look_over_the_whole_then_their_pages_are_sound_in_both_languages() {
    let server = with_intake(Server::start());
    let report = reported(&server, &[]);
    for at in 0..2 {
        let hazard = server.hazard(at);
        let verify = json!({ "because": "符合条款", "criterion": "NCM88-一(地下矿山)-四" });
        server.execute(Some(&hazard), "hazard.verify", &verify, &["inspector-1", "inspector-2"]);
        let change = json!({ "holder": "示例矿业集团" });
        let enterprise = server.enterprises[at].to_string();
        server.execute(Some(&enterprise), "enterprise.change_controller", &change, &["clerk-1"]);
    }
    let rules = server.app.office.rules();
    let pack = rules.packs().iter().find(|pack| pack.id == "duty").expect("pack");
    let amend = json!({ "pack": "duty", "text": format!("# 本级说明\n{}", pack.text), "decision": "示例局办公会纪要" });
    server.execute(None, "rules.amend", &amend, &["approver-1"]);
    let profile = format!("/desk/profiles/{}", server.enterprises[0].id);
    let transfer = format!("/desk/reports/{}/transfer", report.id());
    let looks = |pages: &[(&str, &str)]| -> Value {
        pages.iter().flat_map(|(path, name)| [json!({ "goto": path }), json!({ "look": name })]).collect()
    };
    day(
        &server,
        "intake-1",
        "zh-CN",
        1280,
        &json!([
            { "goto": format!("/desk/streams/{}", report.stream) },
            { "press": "拆阅 举报内容" },
            { "goto": transfer },
            { "look": "transfer" },
        ]),
    );
    crate::inside::open(&server);
    let (_, concern) = crate::inside::told(&server, "三号巷道顶板开裂");
    server.app.office.ledger().publish_now();
    let on = format!("/desk/streams/{concern}");
    let [take_up, give] =
        ["concern.take_up", "concern.reward"].map(|kind| format!("/desk/do/{kind}?stream={concern}"));
    for (locale, width) in [("zh-CN", 360), ("en-US", 1280)] {
        let enterprise = [
            ("/desk", "enterprise-home"),
            ("/desk/inside", "inside"),
            (&*on, "concern"),
            (&*take_up, "take-up"),
            (&*give, "inside-reward"),
        ];
        day(&server, "enterprise-1", locale, width, &looks(&enterprise));
        let leader =
            [("/desk/summary?period=2024", "summary"), ("/desk/figures", "figures"), ("/figures", "public")];
        day(&server, "leader-1", locale, width, &looks(&leader));
        // A wall has no room beside it: what does not fit there is never seen.
        let hang = if width < 1280 { "变为大屏" } else { "Make it a wall" };
        let wall = json!([
            { "goto": "/desk/figures" },
            { "click": if width < 1280 { "在大屏上显示" } else { "Show on a wall" } },
            { "look": "hang" },
            { "press": hang },
            { "see": if width < 1280 { "退出大屏" } else { "Leave the wall" } },
            { "look": "wall" },
        ]);
        let said = day_with(&server, "leader-1", locale, 1920, &wall, true);
        let tall = &said["seen"].as_array().and_then(|seen| seen.last()).expect("the wall")["tall"];
        assert!(tall.as_u64().is_some_and(|tall| tall <= 1080), "{tall} is taller than the wall");
        day(&server, "admin-1", locale, width, &looks(&[("/desk/system", "system")]));
        let approver = [
            ("/desk/rulebook?pack=duty", "rulebook"),
            ("/desk/reads", "reads"),
            (&*profile, "profile"),
            ("/desk/help", "help"),
        ];
        day(&server, "approver-1", locale, width, &looks(&approver));
    }
}

/// From the telephone's camera at the finding to everybody's page, in both languages and at both widths.
#[test]
fn given_an_inspector_underground_then_a_photograph_goes_with_the_finding_and_a_refusal_loses_none() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, shade: u8| {
        let path = folder.path().join(name);
        std::fs::write(&path, photograph(shade)).expect("written");
        path.to_string_lossy().into_owned()
    };
    let second = server.person("inspector-2");
    server.app.keystore.store(second.actor, &second.key, PASSWORD).expect("stored");
    let signs = json!({ "_password": PASSWORD });
    let said = day(
        &server,
        "inspector-1",
        "zh-CN",
        360,
        &json!([
            { "goto": format!("/desk/do/inspection.perform?enterprise={}", server.enterprises[0]) },
            { "fill": { "checked": "主扇风机、双电源、三号巷道" } },
            { "attach": { "f-camera": [file("入井.jpg", 40)] } },
            { "look": "perform-files" },
            { "choose": { "_second": "inspector-2" } },
            { "fill": signs },
            { "press": "签署：记录检查" },
            { "see": "已签署" },
        ]),
    );
    let inspection = said["url"].as_str().and_then(|url| url.split("/streams/").nth(1)).expect("a page");
    let inspection = inspection.split('?').next().expect("an address").to_owned();
    let said = day(
        &server,
        "inspector-1",
        "zh-CN",
        360,
        &json!([
            { "goto": format!("/desk/do/inspection.record_finding?stream={inspection}") },
            { "fill": { "place": "三号巷道", "description": "顶板离层，未支护", "criterion": "没有这一条" } },
            { "attach": { "f-camera": [file("顶板.jpg", 90)], "f-files": [file("支护.jpg", 160), file("标志.jpg", 230)] } },
            { "choose": { "_second": "inspector-2" } },
            { "fill": signs },
            { "press": "签署：记录检查发现" },
            { "see": "已经收到的" },
            { "look": "finding-refused" },
            { "fill": { "criterion": "NCM88-一(地下矿山)-四", "_password": PASSWORD } },
            { "press": "签署：记录检查发现" },
            { "see": "已签署" },
            { "look": "inspection-files" },
        ]),
    );
    assert_eq!(said["text"].as_str().map(|text| text.matches(".jpg").count()), Some(4), "{said}");
    let facts = server.app.office.ledger().stream(&inspection.parse().expect("a stream")).expect("facts");
    let adit_core::event::Event::Inspection(adit_core::inspection::InspectionEvent::FindingRecorded(found)) =
        &facts.last().expect("a finding").event
    else {
        panic!("no finding")
    };
    let hazard = found.hazard.to_string();
    for (who, locale, width) in
        [("handler-1", "en-US", 360), ("leader-1", "en-US", 1280), ("approver-1", "zh-CN", 1280)]
    {
        day(
            &server,
            who,
            locale,
            width,
            &json!([{ "goto": format!("/desk/streams/{hazard}") }, { "look": "found-files" }]),
        );
    }
    let major = json!({ "criterion": "NCM88-一(地下矿山)-四", "because": "现场核实" });
    server.execute(Some(&hazard), "hazard.verify", &major, &["inspector-1", "inspector-2"]);
    let measures = json!({ "element": "measures", "text": "锚网支护" });
    server.execute(Some(&hazard), "hazard.commit", &measures, &["enterprise-1"]);
    day(
        &server,
        "enterprise-1",
        "en-US",
        360,
        &json!([
            { "goto": format!("/desk/do/hazard.evidence?stream={hazard}") },
            { "check": { "element": "measures" } },
            { "fill": { "text": "锚网支护已经完成" } },
            { "attach": { "f-files": [file("锚网.jpg", 20), file("验收.jpg", 60)] } },
            { "look": "evidence-files" },
            { "press": "Sign: Show evidence" },
            { "see": "Signed" },
            { "look": "five-files" },
        ]),
    );
    for locale in ["zh-CN", "en-US"] {
        day(
            &server,
            "inspector-2",
            locale,
            1280,
            &json!([{ "goto": format!("/desk/streams/{hazard}") }, { "look": "five-files" }]),
        );
    }
}

#[test]
fn given_no_connection_then_what_was_typed_and_chosen_stays_until_it_is_sent_once() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let photo = folder.path().join("入井.jpg");
    std::fs::write(&photo, photograph(40)).expect("written");
    let second = server.person("inspector-2");
    server.app.keystore.store(second.actor, &second.key, PASSWORD).expect("stored");
    let form = format!("/desk/do/inspection.perform?enterprise={}", server.enterprises[0]);
    let size = server.size();
    let said = day_with(
        &server,
        "inspector-1",
        "zh-CN",
        360,
        &json!([
            { "goto": form },
            { "fill": { "checked": "主扇风机、双电源" } },
            { "goto": "/desk" },
            { "goto": form },
            { "see": "已经恢复" },
            { "look": "draft-restored" },
            { "attach": { "f-camera": [photo] } },
            { "choose": { "_second": "inspector-2" } },
            { "fill": { "_password": PASSWORD } },
            { "offline": true },
            { "press": "签署：记录检查" },
            { "see": "没有网络" },
            { "offline": false },
            { "look": "draft-offline" },
            { "press": "签署：记录检查" },
            { "see": "已签署" },
            { "see": "入井.jpg" },
            { "goto": form },
        ]),
        true,
    );
    assert_eq!(server.size(), size + 1);
    let text = said["text"].as_str().expect("a page");
    assert!(!text.contains("已经恢复"), "what was sent comes back: {text}");
}

/// One makes a passkey, signs in with it, and removes it: with a real browser's authenticator.
#[test]
fn given_a_browser_that_keeps_passkeys_then_one_is_made_used_at_the_next_sign_in_and_removed() {
    for (locale, width, say) in [
        (
            "zh-CN",
            360,
            [
                "添加通行密钥",
                "添加",
                "口令不正确",
                "通行密钥已添加",
                "退出",
                "登录",
                "使用通行密钥",
                "待办",
                "移除",
                "通行密钥已移除",
            ],
        ),
        (
            "en-US",
            1280,
            [
                "Add a passkey",
                "Add",
                "password is wrong",
                "The passkey is there",
                "Sign out",
                "Sign in",
                "Use a passkey",
                "Worklist",
                "Remove",
                "The passkey is removed",
            ],
        ),
    ] {
        let [offer, add, wrong, added, out, enter, with, home, drop, dropped] = say;
        let mut server = Server::start();
        // Passkeys are bound to a name, and digits are none.
        server.url = server.url.replace("127.0.0.1", "localhost");
        let account = server.actor("leader-1");
        let said = day_with(
            &server,
            "leader-1",
            locale,
            width,
            &json!([
                { "authenticator": true },
                { "goto": "/desk/me" },
                { "look": "passkeys" },
                { "press": offer },
                { "enter": { "passkey-name": "办公室电脑", "pw4": "not this password" } },
                { "look": "passkey-offered" },
                { "press": add },
                { "see": wrong },
                { "enter": { "pw4": PASSWORD } },
                { "look": "passkey-refused" },
                { "press": add },
                { "see": added },
                { "look": "passkey-added" },
                { "press": out },
                { "enter": { "name": account, "password": PASSWORD } },
                { "press": enter },
                { "look": "passkey-asked" },
                { "press": with },
                { "see": home },
                { "goto": "/desk/me" },
                { "open": drop },
                { "enter": { "drop-1": PASSWORD } },
                { "press": drop },
                { "see": dropped },
            ]),
            true,
        );
        assert!(said["text"].as_str().is_some_and(|text| text.contains(offer)), "{said}");
    }
}
