//! The numbers that keep a flood from silencing anybody, from `data/limits.toml`, where each stands with its reason.

use adit_core::ledger::parts::Ceilings;
use serde::Deserialize;

const SHIPPED: &str = include_str!("../data/limits.toml");

/// Declares the limits once: a field for each number that must stand in the file.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What waits, how long, and how much at once. Units are last in the names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Limits { $($(#[$doc])* pub $name: u64),* }

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File { $($name: Number),* }

        impl Limits {
            /// The limits of a file in the form of `data/limits.toml`.
            ///
            /// # Errors
            /// A number that is missing, unknown, without a reason, or out of the range of the file that ships.
            pub fn read(text: &str) -> Result<Self, LimitsError> {
                let (file, shipped): (File, File) = (toml::from_str(text)?, toml::from_str(SHIPPED)?);
                Ok(Self { $($name: file.$name.checked(stringify!($name), shipped.$name.range)?),* })
            }
        }
    };
}

limits! {
    /// Age from which a form for a report goes ahead.
    report_wait_seconds,
    /// Age from which a form with a secret goes ahead.
    secret_wait_seconds,
    /// How long a form counts as one that waited.
    stamp_hours,
    /// Of so many turns one goes to those who go behind.
    late_share,
    /// Reports that are sealed and entered at once.
    sealing_at_once,
    /// Files that are read and sealed at once.
    files_at_once,
    /// Look-ups by a secret at once.
    lookups_at_once,
    /// Entries at once of those who seal and sign by themselves.
    entering_at_once,
    /// Zero bits at the beginning of the hash that shows work.
    work_bits,
    /// Requests that one work takes ahead.
    work_requests,
    /// Steps on which answers to a secret leave.
    answer_grid_milliseconds,
    /// How long a request waits for its turn.
    turn_wait_seconds,
    /// Longest time for a request, and for an upload the time in which enough has to arrive.
    request_seconds,
    /// What has to arrive of an upload in that time.
    upload_kib,
    /// Longest time for an upload in one request.
    upload_minutes,
    /// Files that arrive in pieces, at once.
    parts_at_once,
    /// What they hold on the disk together.
    parts_mib,
    /// Age from which such a file makes way for others when there are too many.
    part_quiet_minutes,
    /// Age from which such a file is cleared away.
    part_hours,
    /// What is typed into all forms that are being dealt with.
    typed_mib,
    /// Room on the disk below which no report is taken.
    room_for_words_mib,
    /// Room on the disk below which no file is taken.
    room_for_files_mib,
    /// Age from which a sealed file that nobody names is cleared away.
    unnamed_days,
    /// The same while there is no room for files.
    unnamed_days_when_short,
    /// Past days whose read models stay in memory.
    past_views,
    /// Ends of months for which a snapshot is kept.
    past_months,
    /// Files that one entry names as evidence.
    evidence_files,
    /// Largest of them.
    evidence_file_mib,
    /// All of one entry together.
    evidence_total_mib,
    /// What one account may send on one day.
    evidence_day_mib,
    /// Pixels of the largest photograph of which a small picture is drawn.
    picture_megapixels,
    /// Largest register that is taken over at the workbench.
    import_file_mib,
    /// A workbook unpacked, and the text in all cells of a register.
    import_unpacked_mib,
    /// Rows of one register.
    import_rows,
    /// Columns of one register.
    import_columns,
    /// Registers that are looked at before they are recorded, at once.
    import_uploads,
    /// Age from which one that nobody looks at is forgotten.
    import_minutes,
    /// Views of tables that one account keeps.
    saved_views,
    /// Days after which a session that shows a wall ends.
    wall_days,
    /// How often a wall is asked for anew by browsers that run no scripts.
    wall_refresh_seconds,
    /// The hour of the day, in Asia/Shanghai, at which digests go out.
    digest_hour,
    /// Rounds on one day until what could not be delivered is given up.
    digest_tries,
    /// The pause after the first round that failed; each next one is twice as long.
    digest_pause_minutes,
    /// How long a code that was mailed confirms its address.
    digest_code_minutes,
    /// Wrong codes after which it does no more.
    digest_code_tries,
    /// How long the next code waits after the first wrong one; each next one waits twice as long.
    digest_code_wait_seconds,
    /// Codes that are mailed for one account on one day.
    digest_codes_day,
}

/// Why limits can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    #[error("couldn't read the limits: {0}")]
    Form(#[from] toml::de::Error),
    #[error("the limit {name} is {value}, not from {least} to {most}")]
    Range { name: &'static str, value: u64, least: u64, most: u64 },
    #[error("the limit {0} has no reason")]
    NoReason(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    value: u64,
    range: [u64; 2],
    because: String,
}

impl Number {
    fn checked(&self, name: &'static str, [least, most]: [u64; 2]) -> Result<u64, LimitsError> {
        let value = self.value;
        if self.because.trim().is_empty() {
            return Err(LimitsError::NoReason(name));
        }
        if (least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(LimitsError::Range { name, value, least, most })
        }
    }
}

const MIB: u64 = 1024 * 1024;

impl Limits {
    /// Those that ship.
    pub(crate) fn shipped() -> Result<Self, LimitsError> {
        Self::read(SHIPPED)
    }

    pub(crate) fn room_for_words(&self) -> u64 {
        self.room_for_words_mib * MIB
    }

    pub(crate) fn room_for_files(&self) -> u64 {
        self.room_for_files_mib * MIB
    }

    pub(crate) fn evidence_file(&self) -> u64 {
        self.evidence_file_mib * MIB
    }

    pub(crate) fn evidence_total(&self) -> u64 {
        self.evidence_total_mib * MIB
    }

    pub(crate) fn evidence_day(&self) -> u64 {
        self.evidence_day_mib * MIB
    }

    pub(crate) fn import_file(&self) -> u64 {
        self.import_file_mib * MIB
    }

    pub(crate) fn import_unpacked(&self) -> u64 {
        self.import_unpacked_mib * MIB
    }

    pub(crate) fn picture_pixels(&self) -> u64 {
        self.picture_megapixels * 1_000_000
    }

    /// How much may arrive in pieces at once.
    pub(crate) fn parts(&self) -> Ceilings {
        let seconds = |many: u64| i64::try_from(many).unwrap_or(i64::MAX);
        Ceilings {
            many: usize::try_from(self.parts_at_once).unwrap_or(usize::MAX),
            bytes: self.parts_mib * MIB,
            quiet_seconds: seconds(self.part_quiet_minutes * 60),
            lives_seconds: seconds(self.part_hours * 3600),
        }
    }

    pub(crate) fn typed_bytes(&self) -> usize {
        usize::try_from(self.typed_mib * MIB).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_that_ship_can_be_used_and_fit_each_other() {
        let limits = Limits::shipped().expect("limits");
        assert!(limits.room_for_words_mib < limits.room_for_files_mib, "files end before words do");
        assert!(
            limits.turn_wait_seconds < limits.request_seconds,
            "whoever waits for a turn is still there when it comes"
        );
        assert!(limits.part_quiet_minutes < limits.part_hours * 60);
        let at_once = limits.files_at_once * 100 + limits.parts_mib + limits.room_for_words_mib;
        assert!(
            at_once <= limits.room_for_files_mib,
            "what is let in at once fits into the room that is kept"
        );
        // A prepared command waits for its signatures for a day, and a form counts for so many hours.
        for days in [limits.unnamed_days, limits.unnamed_days_when_short] {
            assert!(days * 24 >= limits.stamp_hours + 24);
        }
        assert!(
            limits.evidence_file_mib <= limits.evidence_total_mib,
            "a file that may be sent may be named"
        );
        assert!(limits.evidence_total_mib <= limits.evidence_day_mib, "and what one entry names, on one day");
        assert!(limits.import_file_mib <= limits.import_unpacked_mib, "text that may be sent may be read");
    }

    #[test]
    fn a_limit_that_is_missing_unknown_out_of_its_range_or_without_a_reason_is_named() {
        let says = |text: &str| Limits::read(text).expect_err("refused").to_string();
        assert!(says(&SHIPPED.replace("[late_share]", "[late_part]")).contains("late_part"));
        assert!(says(&SHIPPED.replace("value = 64", "value = 0")).contains("sealing_at_once is 0"));
        let (head, rest) = SHIPPED.split_once("because = \"Six").expect("a reason");
        let rest = rest.split_once('"').expect("its end").1;
        let silent = format!("{head}because = \"\"{rest}");
        assert!(says(&silent).contains("report_wait_seconds has no reason"));
        assert!(says("").contains("missing field"));
    }
}
