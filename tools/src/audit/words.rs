//! What a violation is called, and its words in both languages.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($name:ident = $code:literal, $zh:literal, $en:literal;)+) => {
        /// What is wrong, named after the rule that is broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub(super) enum Code { $(#[serde(rename = $code)] $name,)+ }

        impl Code {
            pub(super) fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            pub(super) fn zh(self) -> &'static str {
                match self { $(Self::$name => $zh,)+ }
            }

            pub(super) fn en(self) -> &'static str {
                match self { $(Self::$name => $en,)+ }
            }
        }
    };
}

codes! {
    CheckpointForm = "checkpoint_form", "检查点格式不对", "the checkpoint is not of its form";
    CheckpointOrigin = "checkpoint_origin", "检查点属于另一台账", "the checkpoint is of another log";
    CheckpointSignature = "checkpoint_signature", "检查点不是台账密钥所签", "the checkpoint is not signed by the log's key";
    CheckpointKeyEnded = "checkpoint_key_ended", "检查点只由已停用或尚未启用的台账密钥签署", "the checkpoint is signed only by a key of the log that was ended before, or not introduced yet";
    Rollback = "rollback", "检查点比已核验的旧：台账被回退或重放了旧检查点", "the checkpoint is smaller than one that was verified before: the log was rolled back, or an old one is replayed";
    Fork = "fork", "检查点与已核验的相矛盾：台账已分叉，两份签名都已留存", "the checkpoint contradicts one that was verified before: the log has forked, and both signed notes are kept";
    Root = "root", "条目算出的根与检查点不符", "the entries do not lead to the root that the checkpoint signs";
    Bundle = "bundle", "条目文件与签署的根不符", "the file of entries does not fit the signed root";
    Tile = "tile", "哈希文件与签署的根不符", "the file of hashes does not fit the signed root";
    Missing = "missing", "检查点所涵盖的文件缺失", "a file that the checkpoint covers is missing";
    KeyFile = "key_file", "所附公钥与给定的不符", "the key file beside the log is not the key that was given";
    EntryForm = "entry_form", "条目格式不对", "the entry is not of its form";
    EntryOrigin = "entry_origin", "条目是为另一台账签署的", "the entry was signed for another ledger";
    Opening = "opening", "台账的开立条目不对：它须是第一条，且仅此一条", "the opening of the ledger is not lawful: it is the first entry, and there is one";
    Chain = "chain", "条目不接续同一事项的前一条：有条目被删除、移动或改写", "the entry does not follow the one before it in its stream: something was dropped, moved or rewritten";
    DayBack = "day_back", "日期早于同一事项的前一条", "the day is before that of the entry before it in its stream";
    Backdated = "backdated", "日期倒签：早于台账中先前条目的日期一天以上", "the entry is backdated: its day is more than a day before that of entries that stand before it";
    Future = "future", "日期在将来", "the day lies in the future";
    Seen = "seen", "所称见过的检查点不是本台账的", "it names a checkpoint as seen that this log never had";
    Signature = "signature", "签名无效", "a signature does not verify";
    UnknownKey = "unknown_key", "签名者的密钥未曾登记", "a signer's key was never introduced";
    KeyEnded = "key_ended", "密钥终止后仍被使用", "a key was used after its end";
    LogKey = "log_key", "台账密钥的启用或停用不合规定：须由在用的密钥签署，新密钥自己也须签署", "a key of the log is introduced or ended unlawfully: one that holds must sign, and a new one itself too";
    NotGranted = "not_granted", "签名者没有此事项所需的角色，或人数不足", "the signers do not hold the roles that this kind asks for, or are too few";
    OneTime = "one_time", "举报、奖励事项中的一次性密钥用法不对", "a one-time key of a report or reward is not used as it must be";
    OwnGrant = "own_grant", "为自己授予或终止权限", "a key is granted or ended by its own holder";
    Lines = "lines", "条目带有该种事项不得有的公开行", "the entry carries a public line that its kind must not carry";
    MissingLines = "missing_lines", "缺少必须公开的期限或终止行", "a public clock or stop that this kind must carry is missing";
    Kind = "kind", "未公布的事项种类", "the kind is not one of the published table";
    Order = "order", "事项次序不合规定", "the step is out of the lawful order of its stream";
    Extend = "extend", "期限的延长不合规定", "a deadline is extended that does not run, has passed, or would come earlier";
    ClockMoved = "clock_moved", "未经延长而把期限推后", "a running deadline is set later without an extension";
    Overdue = "overdue", "记录了并不存在的逾期", "a miss is recorded where no deadline was missed";
    PlanLate = "plan_late", "检查计划在封存七日后才公开", "a sealed plan was shown more than 7 days after it was sealed";
    WitnessForm = "witness_form", "见证方给出的不是本台账经其签署的检查点", "what the witness shows is not a checkpoint of this log that it cosigned";
    WitnessFork = "witness_fork", "见证方所见与此处不同：台账对不同的人给出不同内容", "the witness saw another tree than is served here: the log shows different things to different people";
}

/// A statutory deadline's name in Chinese and English, and whose duty it is.
pub(super) fn clock_words(clock: &str) -> (&'static str, &'static str, &'static str) {
    match clock {
        "accept" => ("决定是否受理", "decide whether to accept", "office"),
        "handle" => ("核查处理完毕", "verify and handle", "office"),
        "answer" => ("答复举报人", "answer the reporter", "office"),
        "review" => ("复查", "review on site", "office"),
        "decide_extension" => ("决定是否延期", "decide on the extension", "office"),
        "publish_penalty" => ("公开处罚", "publish the penalty", "office"),
        "publish_listing" => ("公开挂牌", "publish the listing", "office"),
        "publish_delisting" => ("公开摘牌", "publish the delisting", "office"),
        "rectify" => ("整改完毕", "mend the hazard", "enterprise"),
        "claim" => ("领取奖金", "claim the reward", "reporter"),
        _ => ("其他公开期限", "another public deadline", "office"),
    }
}
