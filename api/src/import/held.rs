//! Registers that were uploaded at the workbench and are looked at before anything is written: in memory alone, each for the session that
//! brought it, bounded in number and size, and forgotten after a while or when the session is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_core::id::{Id, StreamId};
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::ExecuteError;
use adit_core::refusal::Refusal;
use adit_core::units::{Position, Timestamp};
use adit_projections::{Filter, Viewer};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Bad, Ceilings, Entered, Entering, Mapping, Row, Table, check, hazard_id};
use crate::app::App;
use crate::handlers::queries::View;
use crate::limits::Limits;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::session::SessionName;

/// A register as it would be recorded under a choice of columns.
#[derive(Default)]
pub(crate) struct Checked {
    pub(crate) rows: Vec<Row>,
    pub(crate) bad: Vec<Bad>,
    /// Numbers of rows that are in the ledger already.
    pub(crate) known: BTreeSet<usize>,
    /// Names of enterprises that are not in the ledger yet.
    pub(crate) enterprises: BTreeSet<String>,
}

impl Checked {
    /// Checks every row, and asks the ledger which it knows. Without a column that must be there, nothing is.
    pub(crate) fn of(app: &App, table: &Table, mapping: &Mapping) -> Result<Self, Problem> {
        if mapping.missing().next().is_some() {
            return Ok(Self::default());
        }
        let ledger = app.office.ledger();
        let (rows, bad) = check(mapping, table, &app.office.rules(), ledger.now().day());
        let mut known = BTreeSet::new();
        for row in &rows {
            if ledger.answered(&hazard_id(row)).map_err(|error| unreadable(&error))?.is_some() {
                known.insert(row.number);
            }
        }
        let registered = registered(app)?;
        let names = rows.iter().map(|row| row.register.name.to_string());
        let enterprises = names.filter(|name| !registered.contains_key(name)).collect();
        Ok(Self { rows, bad, known, enterprises })
    }

    /// Numbers of rows with a bad cell.
    pub(crate) fn refused(&self) -> BTreeSet<usize> {
        self.bad.iter().map(|bad| bad.row).collect()
    }

    /// Rows that would be recorded.
    pub(crate) fn fresh(&self) -> usize {
        self.rows.len() - self.known.len()
    }
}

/// What came of entering so far.
#[derive(Clone, Default)]
pub(crate) struct Progress {
    pub(crate) recorded: usize,
    pub(crate) enterprises: usize,
    pub(crate) repeated: usize,
    /// Rows that a rule refused when they were entered, by their numbers.
    pub(crate) refused: Vec<(usize, Refusal)>,
    pub(crate) over: bool,
    /// Why it stopped before the end; what is in the ledger stays there.
    pub(crate) fault: Option<Refusal>,
}

/// The entering of one register. It goes on when nobody looks.
#[derive(Default)]
pub(crate) struct Run(Mutex<Progress>);

impl Run {
    fn hold(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn progress(&self) -> Progress {
        self.hold().clone()
    }

    fn is_over(&self) -> bool {
        self.hold().over
    }

    fn stop(&self, fault: Refusal) {
        let mut progress = self.hold();
        progress.over = true;
        progress.fault = Some(fault);
    }
}

/// Ends a run whatever happens to its thread.
struct Ends(Arc<Run>);

impl Drop for Ends {
    fn drop(&mut self) {
        if !self.0.is_over() {
            self.0.stop(ApiRefusal::Unreadable.into());
        }
    }
}

/// One register that somebody looks at.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) id: Id,
    /// The name of its file.
    pub(crate) name: String,
    pub(crate) table: Arc<Table>,
    pub(crate) mapping: Mapping,
    pub(crate) checked: Arc<Checked>,
    /// How often columns were chosen: what is confirmed is what was shown.
    pub(crate) version: u32,
    pub(crate) run: Option<Arc<Run>>,
    pub(crate) used: Timestamp,
}

impl Held {
    fn is_running(&self) -> bool {
        self.run.as_ref().is_some_and(|run| !run.is_over())
    }

    /// Why each refused row was: as the check says, or the ledger.
    pub(crate) fn reasons(&self) -> BTreeMap<usize, Vec<(&str, Refusal)>> {
        let mut reasons = BTreeMap::<usize, Vec<(&str, Refusal)>>::new();
        for bad in &self.checked.bad {
            reasons.entry(bad.row).or_default().push((bad.heading(&self.table), bad.refusal.clone()));
        }
        for (row, refusal) in self.run.iter().flat_map(|run| run.progress().refused) {
            reasons.entry(row).or_default().push(("", refusal));
        }
        reasons
    }
}

/// What there is in memory.
#[derive(Default)]
struct Kept {
    held: BTreeMap<SessionName, Held>,
    /// Sessions whose file is being received or taken apart.
    arriving: BTreeSet<SessionName>,
}

impl Kept {
    /// Whether one of a session's own is being entered, which nothing may replace.
    fn check_running(&self, session: &SessionName) -> Result<(), Problem> {
        let running = self.held.get(session).is_some_and(Held::is_running);
        if running { Err(Refusal::new("import.is_running").into()) } else { Ok(()) }
    }

    /// Whether there is room for one more beside those that are kept and those that are on their way.
    fn check_room(&self, session: &SessionName, limits: &Limits) -> Result<(), Problem> {
        let others: BTreeSet<_> =
            self.held.keys().chain(&self.arriving).filter(|name| *name != session).collect();
        let full = others.len() as u64 >= limits.import_uploads;
        if full { Err(Refusal::new("import.too_many").into()) } else { Ok(()) }
    }
}

fn hold(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Room for a register that is on its way; free again when this is dropped.
pub(crate) struct Place {
    kept: Arc<Mutex<Kept>>,
    session: SessionName,
}

impl Place {
    /// Keeps what arrived. The one that its session had makes way, unless that is being entered by now.
    pub(crate) fn keep(self, held: Held) -> Result<(), Problem> {
        let mut kept = hold(&self.kept);
        kept.check_running(&self.session)?;
        kept.held.insert(self.session, held);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        hold(&self.kept).arriving.remove(&self.session);
    }
}

/// All registers that are looked at.
pub(crate) struct Imports {
    kept: Arc<Mutex<Kept>>,
    /// One at a time is entered: two with the same new enterprise would register it twice.
    entering: tokio::sync::Mutex<()>,
    /// One at a time is taken apart, checked, or written out.
    reading: Arc<Semaphore>,
}

impl Default for Imports {
    fn default() -> Self {
        let entering = tokio::sync::Mutex::default();
        Self { kept: Arc::default(), entering, reading: Arc::new(Semaphore::new(1)) }
    }
}

/// How much is taken of one file at the workbench.
pub(crate) fn ceilings(limits: &Limits) -> Ceilings {
    let usize_of = |many: u64| usize::try_from(many).unwrap_or(usize::MAX);
    Ceilings {
        rows: usize_of(limits.import_rows),
        columns: usize_of(limits.import_columns),
        unpacked: Some(limits.import_unpacked()),
    }
}

impl Imports {
    /// Forgets what nobody looked at for a while, and what belongs to a session that is over. What is being entered stays until it is.
    pub(crate) fn sweep(&self, now: Timestamp, limits: &Limits, is_live: impl Fn(&SessionName) -> bool) {
        let seconds = i64::try_from(limits.import_minutes.saturating_mul(60)).unwrap_or(i64::MAX);
        let stays = |name: &SessionName, held: &Held| {
            held.is_running() || (now.seconds_since(held.used) <= seconds && is_live(name))
        };
        hold(&self.kept).held.retain(|name, held| stays(name, held));
    }

    /// A place for what a session brings, before a byte of it is read: there is room, none of its own is being entered, and no other
    /// of its own is on its way. The present one stays until it arrived.
    pub(crate) fn reserve(&self, session: SessionName, limits: &Limits) -> Result<Place, Problem> {
        let mut kept = hold(&self.kept);
        kept.check_running(&session)?;
        kept.check_room(&session, limits)?;
        if !kept.arriving.insert(session) {
            return Err(Refusal::new("import.is_arriving").into());
        }
        Ok(Place { kept: Arc::clone(&self.kept), session })
    }

    /// A turn at taking a register apart, checking it, or writing out what was refused. Whoever works takes it along and drops
    /// it when the work is done: a client that hangs up meanwhile does not end the work.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.reading).acquire_owned().await.map_err(|error| unreadable(&error))
    }

    /// The one that a session looks at.
    pub(crate) fn of(&self, session: &SessionName) -> Option<Id> {
        hold(&self.kept).held.get(session).map(|held| held.id)
    }

    /// The one with this id, for the session that brought it and nobody else.
    pub(crate) fn get(&self, session: &SessionName, id: Id, now: Timestamp) -> Option<Held> {
        let mut kept = hold(&self.kept);
        let held = kept.held.get_mut(session).filter(|held| held.id == id)?;
        held.used = now;
        Some(held.clone())
    }

    /// Chooses columns, as long as nothing is being entered.
    pub(crate) fn choose(&self, session: &SessionName, id: Id, mapping: Mapping, checked: Checked) {
        let mut kept = hold(&self.kept);
        let chosen = kept.held.get_mut(session).filter(|held| held.id == id && held.run.is_none());
        if let Some(held) = chosen {
            held.mapping = mapping;
            held.checked = Arc::new(checked);
            held.version = held.version.saturating_add(1);
        }
    }

    /// Forgets one, unless it is being entered.
    pub(crate) fn discard(&self, session: &SessionName, id: Id) {
        let mut kept = hold(&self.kept);
        if kept.held.get(session).is_some_and(|held| held.id == id && !held.is_running()) {
            kept.held.remove(session);
        }
    }

    /// Begins to enter one that was confirmed as it was shown; none where it is being entered, or was, or was shown otherwise. One that
    /// stopped before its end begins anew: what is in the ledger is found there.
    pub(crate) fn begin(&self, session: &SessionName, id: Id, version: u32) -> Option<(Held, Arc<Run>)> {
        let mut kept = hold(&self.kept);
        let held = kept.held.get_mut(session).filter(|held| held.id == id && held.version == version)?;
        let stopped = held.run.as_ref().is_none_or(|run| run.progress().fault.is_some());
        if !stopped || held.checked.rows.is_empty() {
            return None;
        }
        let run = Arc::new(Run::default());
        held.run = Some(Arc::clone(&run));
        Some((held.clone(), run))
    }
}

/// Enterprises that are registered, by name, as the read models tell.
fn registered(app: &App) -> Result<BTreeMap<String, StreamId>, Problem> {
    let filter = Filter { limit: Some(usize::MAX), ..Filter::default() };
    let rows = View::at(app, None)?.page(Viewer::Office.into(), "enterprises", &filter)?.rows;
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let named = |row: &Value| Some((text(row, "enterprise_name")?, text(row, "enterprise")?.parse().ok()?));
    Ok(rows.iter().filter_map(named).collect())
}

/// Enters all rows, each as a command of whoever confirmed them; what came of it stands in the run.
pub(crate) async fn enter(app: Arc<App>, held: Held, run: Arc<Run>, key: Arc<SigningKey>) {
    let _ends = Ends(Arc::clone(&run));
    let _turn = app.imports.entering.lock().await;
    // Enterprises of the one before are found.
    let newest = app.office.ledger().size().checked_sub(1).map(Position);
    if let Some(newest) = newest
        && !app.projector.wait_for(newest).await
    {
        return run.stop(ApiRefusal::Stale.into());
    }
    let worker = Arc::clone(&app);
    // A panic in it was logged, and the run is ended above.
    let _ = tokio::task::spawn_blocking(move || enter_rows(&worker, &held.checked.rows, &run, &key)).await;
}

fn enter_rows(app: &App, rows: &[Row], run: &Run, key: &SigningKey) {
    let registered = match registered(app) {
        Ok(registered) => registered,
        Err(problem) => return run.stop(problem.refusal),
    };
    let mut entering = Entering::new(&app.office, key, registered);
    for row in rows {
        if *app.closing.borrow() {
            return run.stop(ApiRefusal::TimedOut.into());
        }
        let entered = entering.enter(row);
        let mut progress = run.hold();
        match entered {
            Ok(Entered { enterprise_is_new, repeated }) => {
                progress.enterprises += usize::from(enterprise_is_new);
                progress.recorded += usize::from(!repeated);
                progress.repeated += usize::from(repeated);
            }
            Err(ExecuteError::Refused(refusal)) => progress.refused.push((row.number, refusal)),
            Err(error) => {
                drop(progress);
                return run.stop(Problem::from(error).refusal);
            }
        }
    }
    run.hold().over = true;
}

#[cfg(test)]
mod tests {
    use super::super::Line;
    use super::*;

    fn limits() -> Limits {
        Limits::shipped().expect("limits")
    }

    fn held(at: i64) -> Held {
        let head = Line { number: 1, cells: Vec::new() };
        Held {
            id: Id::random().expect("an id"),
            name: "register.csv".to_owned(),
            table: Arc::new(Table { head, body: Vec::new() }),
            mapping: Mapping::default(),
            checked: Arc::default(),
            version: 0,
            run: None,
            used: Timestamp(at),
        }
    }

    /// Brings one as a page does.
    fn keep(imports: &Imports, session: SessionName, held: Held) -> Result<(), Problem> {
        imports.reserve(session, &limits())?.keep(held)
    }

    #[test]
    fn given_files_on_their_way_then_they_count_one_for_each_session_until_they_arrive_or_are_given_up() {
        let (imports, limits) = (Imports::default(), limits());
        let many = u8::try_from(limits.import_uploads).expect("few");
        let reserve = |session: u8| imports.reserve([session; 32], &limits);
        let code = |refused: Result<Place, Problem>| refused.err().map(|problem| problem.refusal.code);
        let mut places: Vec<Place> = (0..many).map(|session| reserve(session).expect("room")).collect();
        assert_eq!(code(reserve(99)).as_deref(), Some("import.too_many"));
        assert_eq!(code(reserve(0)).as_deref(), Some("import.is_arriving"));
        places.pop().expect("a place").keep(held(0)).expect("kept");
        assert_eq!(code(reserve(99)).as_deref(), Some("import.too_many"), "it is kept now");
        drop(places.pop());
        let place = reserve(99).expect("one was given up");
        assert_eq!(code(reserve(98)).as_deref(), Some("import.too_many"));
        drop(place);
        let own = reserve(many - 1).expect("its own makes way");
        assert!(imports.of(&[many - 1; 32]).is_some(), "it is lost before the next one arrived");
        own.keep(held(0)).expect("kept");
    }

    #[test]
    fn given_many_sessions_then_so_many_registers_are_held_and_one_of_each_session() {
        let (imports, limits) = (Imports::default(), limits());
        for session in 0..u8::try_from(limits.import_uploads).expect("few") {
            keep(&imports, [session; 32], held(0)).expect("room");
        }
        let refused = keep(&imports, [99; 32], held(0)).expect_err("full");
        assert_eq!(refused.refusal.code, "import.too_many");
        let another = held(0);
        keep(&imports, [0; 32], another.clone()).expect("its own makes way");
        assert_eq!(imports.of(&[0; 32]), Some(another.id));
        assert!(imports.get(&[1; 32], another.id, Timestamp(0)).is_none(), "another session sees it");
    }

    #[test]
    fn given_a_register_that_nobody_looked_at_or_whose_session_is_over_then_it_is_forgotten() {
        let (imports, limits) = (Imports::default(), limits());
        let minutes = i64::try_from(limits.import_minutes).expect("few");
        for session in 0..3 {
            keep(&imports, [session; 32], held(0)).expect("room");
        }
        let looked_at = imports.of(&[0; 32]).expect("held");
        imports.get(&[0; 32], looked_at, Timestamp(minutes * 60)).expect("held");
        imports.sweep(Timestamp(minutes * 60), &limits, |name| *name != [1; 32]);
        assert!(imports.of(&[1; 32]).is_none(), "its session is over");
        imports.sweep(Timestamp(minutes * 60 + 1), &limits, |_| true);
        assert_eq!((imports.of(&[0; 32]), imports.of(&[2; 32])), (Some(looked_at), None));
    }

    #[test]
    fn given_one_that_is_being_entered_then_it_is_neither_begun_twice_nor_discarded_nor_replaced_nor_forgotten()
     {
        let (imports, limits, session) = (Imports::default(), limits(), [7; 32]);
        let mut register = held(0);
        let line =
            |cells: &[&str]| Line { number: 2, cells: cells.iter().map(|c| (*c).to_owned()).collect() };
        let names = ["单位名称", "隐患地点", "隐患描述", "发现日期"];
        let table = Table {
            head: line(&names),
            body: vec![line(&["示例甲铁矿（虚构）", "井", "支护缺失", "2024-03-05"])],
        };
        let mapping = Mapping::usual(&table.head);
        let rules = adit_core::rules::Rules::builtin().expect("rules");
        let (rows, bad) = check(&mapping, &table, &rules, "2024-05-10".parse().expect("a day"));
        assert!(bad.is_empty());
        register.checked = Arc::new(Checked { rows, ..Checked::default() });
        let id = register.id;
        keep(&imports, session, register).expect("room");
        assert!(imports.begin(&session, id, 1).is_none(), "it was shown otherwise");
        let (_, run) = imports.begin(&session, id, 0).expect("begun");
        assert!(imports.begin(&session, id, 0).is_none(), "a double press");
        imports.discard(&session, id);
        imports.sweep(Timestamp(i64::MAX), &limits, |_| false);
        assert_eq!(imports.of(&session), Some(id));
        let refused = keep(&imports, session, held(0)).expect_err("running");
        assert_eq!(refused.refusal.code, "import.is_running");
        drop(Ends(Arc::clone(&run)));
        assert!(run.progress().fault.is_some(), "a thread that is gone left it running for ever");
        assert!(imports.begin(&session, id, 0).is_some(), "what stopped goes on");
    }
}
