//! `adit import`: a bureau's own register, all of it or nothing.

use super::{Place, Said, adit, ledger};

const HEAD: &str = "单位名称,行业,乡镇,隐患地点,隐患描述,发现日期,判定条款\n";
const GOOD: &str =
    "示例甲铁矿（虚构）,矿山,示例镇（虚构）,一号竖井,支护缺失,2024-03-05,NCM88-一(地下矿山)-十九\n";
const BAD: &str = "示例乙铸造厂（虚构）,工贸,示例镇（虚构）,熔炼车间,炉坑积水,2024-02-30,GM10-第七条-三\n";

fn sample(name: &str) -> String {
    format!("{}/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A new ledger to try registers on.
struct Bureau {
    place: Place,
    data: String,
}

impl Bureau {
    fn new() -> Self {
        let place = Place::new();
        let (data, _) = ledger(&place);
        Self { place, data }
    }

    fn dry_run(&self, arguments: &[&str]) -> Said {
        adit(&[&["import", "--data", &self.data, "--dry-run", "--json"], arguments].concat())
    }
}

#[test]
fn given_the_sample_register_then_csv_tsv_and_xlsx_are_all_read() {
    let bureau = Bureau::new();
    for (file, good) in [("register.csv", 4), ("register.xlsx", 4)] {
        let said = bureau.dry_run(&[&sample(file)]).done().json();
        assert_eq!((said["good"].as_u64(), &said["bad"]), (Some(good), &serde_json::json!([])), "{file}");
    }
    let map = sample("register-map.toml");
    let said = bureau.dry_run(&["--map", &map, &sample("register-mapped.tsv")]).done().json();
    assert_eq!(said["good"], 1);
}

#[test]
fn given_a_register_with_a_byte_order_mark_then_its_first_column_is_found() {
    let bureau = Bureau::new();
    let file = bureau.place.write("bom.csv", format!("\u{feff}{HEAD}{GOOD}"));
    assert_eq!(bureau.dry_run(&[&file]).done().json()["good"], 1);
}

#[test]
fn given_a_register_in_gb18030_then_it_is_read() {
    let bureau = Bureau::new();
    let text = format!("{HEAD}{GOOD}");
    let (bytes, _, lossy) = encoding_rs::GB18030.encode(&text);
    assert!(!lossy);
    let file = bureau.place.write("gb.csv", bytes);
    assert_eq!(bureau.dry_run(&[&file]).done().json()["good"], 1);
}

#[test]
fn given_dates_as_registers_write_them_then_they_are_read() {
    let bureau = Bureau::new();
    for date in ["2024-3-5", "2024/03/05", "2024.3.5", "2024年3月5日"] {
        let file = bureau.place.write("dates.csv", format!("{HEAD}{}", GOOD.replace("2024-03-05", date)));
        assert_eq!(bureau.dry_run(&[&file]).done().json()["good"], 1, "{date}");
    }
}

#[test]
fn when_a_row_is_bad_then_row_and_column_are_named_and_nothing_is_written() {
    let bureau = Bureau::new();
    let file = bureau.place.write("register.csv", format!("{HEAD}{GOOD}{BAD}"));
    let before = adit(&["verify", "--data", &bureau.data, "--json"]).done().json();
    let said = bureau.dry_run(&[&file]);
    assert_eq!(said.code, Some(1));
    let bad = said.json()["bad"].clone();
    assert_eq!((&bad[0]["row"], &bad[0]["column"]), (&3.into(), &"发现日期".into()), "{bad}");
    assert!(bad[0]["zh"].is_string() && bad[0]["en"].is_string(), "{bad}");
    let skipped = bureau.dry_run(&["--skip-bad", &file]).done().json();
    assert_eq!(skipped["good"], 1, "the good row is taken");
    assert_eq!(adit(&["verify", "--data", &bureau.data, "--json"]).done().json(), before);
}

#[test]
fn when_a_cell_is_bad_then_its_column_is_named() {
    let bureau = Bureau::new();
    let rows = [
        ("单位名称", ",矿山,镇,井,支护缺失,2024-03-05,"),
        ("行业", "示例（虚构）,渔业,镇,井,支护缺失,2024-03-05,"),
        ("隐患地点", "示例（虚构）,矿山,镇,\u{202e}井,支护缺失,2024-03-05,"),
        ("隐患描述", "示例（虚构）,矿山,镇,井,,2024-03-05,"),
        ("发现日期", "示例（虚构）,矿山,镇,井,支护缺失,05.03.2024,"),
        ("发现日期", "示例（虚构）,矿山,镇,井,支护缺失,2999-01-01,"),
        ("判定条款", "示例（虚构）,矿山,镇,井,支护缺失,2024-03-05,GM10-第九十九条-一"),
    ];
    for (column, row) in rows {
        let file = bureau.place.write("register.csv", format!("{HEAD}{row}\n"));
        let said = bureau.dry_run(&[&file]);
        assert_eq!(said.code, Some(1), "{row}");
        assert_eq!(said.json()["bad"][0]["column"], column, "{row}");
    }
}

#[test]
fn when_the_file_is_no_register_then_it_is_refused() {
    let bureau = Bureau::new();
    let files = [
        bureau.place.write("empty.csv", ""),
        bureau.place.write("no-columns.csv", "a,b\n1,2\n"),
        bureau.place.write("no-text.csv", b"\xff\xff,\xff\n"),
        bureau.place.write("no.xlsx", "not a workbook"),
        bureau.place.write("register.pdf", "%PDF"),
        bureau.place.path("none.csv"),
    ];
    for file in &files {
        bureau.dry_run(&[file]).refused();
    }
    let map = bureau.place.write("map.toml", "nmae = \"企业\"\n");
    bureau.dry_run(&["--map", &map, &files[0]]).refused();
}

#[test]
fn given_a_new_ledger_then_its_import_key_signs_and_a_second_run_adds_nothing() {
    let place = Place::new();
    let (data, _) = ledger(&place);
    import_twice(&place, &data, |arguments| {
        adit(&[&["import", "--data", &data, "--json"], arguments].concat())
    });
}

#[test]
fn given_a_clerk_who_signs_then_a_second_run_adds_nothing() {
    let place = Place::new();
    let (data, clerk, password) = demonstration(&place);
    import_twice(&place, &data, |arguments| {
        let fixed = ["import", "--data", &data, "--actor", &clerk, "--json"];
        let arguments = [&fixed[..], arguments].concat();
        let mut command = super::command(&arguments);
        Said::of(command.env("ADIT_PASSWORD", &password).output().expect("adit runs"))
    });
}

fn import_twice(place: &Place, data: &str, import: impl Fn(&[&str]) -> Said) {
    let size = || adit(&["verify", "--data", data, "--json"]).done().json()["size"].as_u64().expect("a size");
    let before = size();

    let file = place.write("register.csv", format!("{HEAD}{GOOD}{BAD}"));
    assert_eq!(import(&[&file]).code, Some(1), "a bad row stops all");
    assert_eq!(size(), before);

    let said = import(&["--skip-bad", &file]).done().json();
    assert_eq!(
        (&said["written"]["enterprises"], &said["written"]["hazards"]),
        (&1.into(), &1.into()),
        "{said}"
    );
    let after = size();
    assert_eq!(after, before + 2, "one enterprise, one hazard");
    import(&["--skip-bad", &file]).done();
    assert_eq!(size(), after, "the second run adds nothing");

    let grown = place.write("register.csv", format!("{HEAD}{GOOD}{GOOD}"));
    import(&[&grown]).done();
    assert_eq!(size(), after + 1, "a row that stands there twice is two hazards of one enterprise");

    let rows = adit(&["project", "register", "--data", data, "--json"]).done().json();
    let named = rows["rows"].to_string().matches("示例甲铁矿（虚构）").count();
    assert_eq!(named, 2, "{rows}");
}

#[test]
fn when_the_password_is_wrong_then_nothing_is_imported() {
    let place = Place::new();
    let (data, said) = ledger(&place);
    let admin = said["admins"][0]["actor"].as_str().expect("an actor");
    let file = sample("register.csv");
    let wrong =
        adit(&["import", "--data", &data, "--actor", admin, "--password", "wrong wrong wrong", &file]);
    wrong.refused();
    // An administrator handles keys and grants, and enters nothing.
    let password = said["admins"][0]["password"].as_str().expect("a password");
    adit(&["import", "--data", &data, "--actor", admin, "--password", password, &file]).refused();
    assert_eq!(adit(&["verify", "--data", &data, "--json"]).done().json()["size"], 3);
}

/// Plays the demonstration into a folder and gives back its clerk's account.
fn demonstration(place: &Place) -> (String, String, String) {
    let data = place.path("demo");
    let shown = adit(&["demo", "--no-serve", "--json", "--data", &data]).done().json();
    let text = |pointer: &str| {
        shown.pointer(pointer).and_then(|value| value.as_str()).expect("an account").to_owned()
    };
    (data, text("/accounts/people/clerk"), text("/accounts/password"))
}
