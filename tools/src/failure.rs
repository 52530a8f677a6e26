//! What went wrong outside the rules of the domain, said in Chinese beside the English of the error itself.

use adit_api::StartError;
use adit_api::digest::settings::SettingsError;
use adit_api::export::ExportError;
use adit_api::keystore::KeystoreError;
use adit_api::openid::OpenIdFault;
use adit_api::projector::ProjectorError;
use adit_api::searcher::SearcherError;
use adit_api::witnesses::WitnessesError;
use adit_core::ledger::home::HomeError;
use adit_core::ledger::log::OpenError;
use adit_core::ledger::sequencer::AppendError;
use adit_core::ledger::store::StoreError;
use adit_core::ledger::verify::VerifyFault;
use adit_core::ledger::witness::keeper::KeeperError;
use adit_core::office::ExecuteError;
use adit_core::units::ParseUnitError;
use adit_projections::ProjectionError;
use adit_projections::search::SearchError;

/// An error of the command line itself, with its words in both languages.
#[derive(Debug, thiserror::Error)]
#[error("{en}")]
pub(crate) struct Failure {
    zh: String,
    en: String,
}

pub(crate) fn fail(zh: impl Into<String>, en: impl Into<String>) -> anyhow::Error {
    Failure { zh: zh.into(), en: en.into() }.into()
}

/// The Chinese words of an error: those of the first cause that has some.
pub(crate) fn chinese(error: &anyhow::Error) -> String {
    let known = error.chain().find_map(|cause| {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return Some(failure.zh.clone());
        }
        words(cause).map(str::to_owned)
    });
    known.unwrap_or_else(|| "操作未完成".to_owned())
}

fn words(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let domain = cause.downcast_ref().map(of_execute).or_else(|| cause.downcast_ref().map(of_open));
    let store =
        domain.or_else(|| cause.downcast_ref().map(of_store)).or_else(|| cause.downcast_ref().map(of_home));
    let api = store
        .or_else(|| cause.downcast_ref().map(of_keystore))
        .or_else(|| cause.downcast_ref().map(of_projector))
        .or_else(|| cause.downcast_ref().map(of_start));
    let rest = api
        .or_else(|| cause.downcast_ref().map(of_projection))
        .or_else(|| cause.downcast_ref().map(of_verify));
    rest.or_else(|| plain(cause))
}

/// Errors of others.
fn plain(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if cause.is::<ParseUnitError>() {
        return Some("格式不正确");
    }
    if cause.is::<toml::de::Error>() {
        return Some("TOML 文件格式不正确");
    }
    if cause.is::<csv::Error>() || cause.is::<calamine::XlsxError>() {
        return Some("表格文件无法读取");
    }
    if cause.is::<SearchError>() {
        return Some("检索索引无法使用");
    }
    if cause.is::<ExportError>() {
        return Some("表格文件无法写出");
    }
    if cause.is::<std::str::Utf8Error>() || cause.is::<std::string::FromUtf8Error>() {
        return Some("文本不是 UTF-8 编码");
    }
    if let Some(error) = cause.downcast_ref::<WitnessesError>() {
        return Some(match error {
            WitnessesError::TooMany => "策略中有地址的见证方过多",
            WitnessesError::BadAddress => "见证方的地址不以 https:// 或 http:// 开头",
            WitnessesError::OtherLog => "策略所列的日志中没有本台账",
        });
    }
    if let Some(error) = cause.downcast_ref::<SettingsError>() {
        return Some(error.chinese());
    }
    if let Some(fault) = cause.downcast_ref::<OpenIdFault>() {
        return Some(match fault {
            OpenIdFault::Form => {
                "统一身份认证的文件是 TOML，有 issuer、client_id、client_secret，可有 name、max_age_seconds，没有别的"
            }
            OpenIdFault::Issuer => {
                "issuer 是 https:// 加主机名，不带账号、查询、片段；http:// 只接受本机（localhost、127.0.0.1、::1）"
            }
            OpenIdFault::Empty => "client_id、client_secret 不能为空，name 为一行 1 至 40 个字",
        });
    }
    if let Some(error) = cause.downcast_ref::<KeeperError>() {
        return Some(of_keeper(error));
    }
    cause.is::<std::io::Error>().then_some("无法读写文件或端口")
}

fn of_execute(error: &ExecuteError) -> &'static str {
    match error {
        ExecuteError::Refused(_) => "被规则拒绝",
        ExecuteError::Busy => "所依据的内容不断变化，请重试",
        ExecuteError::Append(error) => of_append(error),
        ExecuteError::Read(error) => of_open(error),
        ExecuteError::NoRandomness => "操作系统未提供随机数，未写入任何内容",
        ExecuteError::Rules(_) => "规则包无法使用",
        ExecuteError::Body { .. } => "事件内容无法写出",
    }
}

fn of_append(error: &AppendError) -> &'static str {
    match error {
        AppendError::Conflict => "所依据的内容已变化，请重新读取后再办理",
        AppendError::Refused(_) => "条目不符合台账规则，未写入",
        AppendError::NotWritten(_) => "未写入任何内容，请重新打开台账后重试",
        AppendError::Unknown(_) | AppendError::Lost => {
            "是否写入尚不确定，请重新打开台账，用同一命令编号再次提交"
        }
        AppendError::Halted => "写入失败后台账已停止写入，请重新打开",
        AppendError::ClockBehind { .. } => "系统时间早于台账最后一次提交，请校准时钟",
        AppendError::Store(error) => of_store(error),
    }
}

fn of_open(error: &OpenError) -> &'static str {
    match error {
        OpenError::Home(error) => of_home(error),
        OpenError::Store(error) => of_store(error),
        OpenError::NoLedger(_) => "此处没有台账，请先用 adit init 开立",
        OpenError::ForeignCheckpoint => "检查点不是本台账的日志密钥所签，密钥目录属于另一台账",
        OpenError::MissingLogKey { .. } => "有一把日志密钥仍在使用，但其文件不在密钥目录中，请放回",
        OpenError::WrongRoot => "条目与最后签署的检查点不符，请用 adit verify 找出第一处损坏",
        OpenError::Contradicted(_) => {
            "曾公布的检查点由本台账密钥签署，却与台账不符：曾签署两个不同的历史。未作任何改动；请保留两者作为证据，放回最新的台账"
        }
        OpenError::Opening(error) => of_append(error),
        OpenError::Decode(_) => "有条目无法解读",
        OpenError::Blobs(_) => "无法读写封存文件的目录，请腾出空间或修好磁盘后重试",
    }
}

fn of_store(error: &StoreError) -> &'static str {
    match error {
        StoreError::Io { .. } => "无法读写台账文件",
        StoreError::InUse { .. } => "另一进程正在使用此台账，请先停止它：一本台账只有一个写入者",
        StoreError::Damaged { .. } => "台账文件已损坏，未作任何改动；请从备份恢复该文件",
        StoreError::Sealed { .. } => "条目内容无法解密，请放回本台账的 data.key",
        StoreError::Behind { .. } => "台账比锁文件记载的旧，或末尾被截断、损坏；请放回最新的台账",
        StoreError::ForeignLock { .. } => "锁文件不属于此台账，请放回与它一同写下的锁文件",
        StoreError::NoLock { .. } => "锁文件缺失，请放回",
        StoreError::Index { .. } => "索引已损坏，请停止程序、删除索引目录后重新启动，索引会由台账重建",
        StoreError::Halted => "写入失败后存储已停止，请重新打开",
        StoreError::Form(_) | StoreError::Commit(_) => "提交不符合存储格式",
    }
}

fn of_home(error: &HomeError) -> &'static str {
    match error {
        HomeError::KeyExists { .. } => "密钥已存在，绝不覆盖；请另选目录，或打开已有的台账",
        HomeError::Io { .. } => "无法使用密钥文件",
        HomeError::NotAKey { .. } => "不是本台账的密钥文件，请放回开立台账时的文件",
        HomeError::NoRandomness => "操作系统未提供随机数，未写入任何内容",
    }
}

fn of_keystore(error: &KeystoreError) -> &'static str {
    match error {
        KeystoreError::Wrong => "账号或口令错误",
        KeystoreError::TooShort => "口令过短或过长",
        KeystoreError::Enrolled => "该账号已有密钥或账号名已被使用，请更改口令",
        KeystoreError::NeedsCode => "该账号启用了第二因素，请把验证码放在 ADIT_CODE",
        KeystoreError::WrongCode => "第二因素的验证码不对或已用过",
        KeystoreError::NeedsPasskey | KeystoreError::Passkey(_) => {
            "该账号只有通行密钥，只能在浏览器里登录；请在“我的账号”里另外启用验证码"
        }
        KeystoreError::NeedsOpenId => {
            "该账号只有统一身份认证，只能在浏览器里登录；请在“我的账号”里另外启用验证码"
        }
        KeystoreError::OtherOpenId => "统一身份认证的账号不是关联的那一个",
        KeystoreError::Io { .. } => "无法使用账号密钥文件",
        KeystoreError::Wrap => "账号密钥无法封存",
    }
}

fn of_projector(error: &ProjectorError) -> &'static str {
    match error {
        ProjectorError::Ledger(error) => of_open(error),
        ProjectorError::Projection(error) => of_projection(error),
        ProjectorError::Thread(_) => "无法启动汇总线程",
    }
}

fn of_start(error: &StartError) -> &'static str {
    match error {
        StartError::Projector(error) => of_projector(error),
        StartError::Searcher(SearcherError::Ledger(error)) => of_open(error),
        StartError::Searcher(SearcherError::Search(_)) => "检索索引无法建立",
        StartError::Searcher(SearcherError::Thread(_)) => "无法启动检索线程",
        StartError::Blobs(_) => "密封文件目录不能用",
        StartError::NoRandomness => "操作系统未提供随机数",
        StartError::OpenIdWithoutSite => "统一身份认证（--openid）要与网站地址（--site）一起设定",
        StartError::Limits(_) => "限度文件（--limits）不能用",
    }
}

fn of_projection(error: &ProjectionError) -> &'static str {
    match error {
        ProjectionError::OutOfOrder { .. } => "事件次序不连续，请从头重放",
        ProjectionError::SnapshotDamaged => "快照损坏，请从头重放",
        ProjectionError::SnapshotVersion { .. } => "快照版本不同，请从头重放",
        ProjectionError::Snapshot(_) => "快照无法写出",
        ProjectionError::Unknown(_) => "没有这张汇总表",
        ProjectionError::Filter { .. } => "这张汇总表没有该筛选项",
        ProjectionError::NotForViewer(_) => "该账号不能查看这张汇总表",
        ProjectionError::Row(_) => "汇总表的行无法写出",
    }
}

fn of_verify(fault: &VerifyFault) -> &'static str {
    match fault {
        VerifyFault::Store(error) => of_store(error),
        VerifyFault::Entry { .. } => "有条目核验不通过",
        VerifyFault::File { .. } => "条目引用的文件缺失或被改动",
        VerifyFault::Unreadable(_) => "有正文读不出来",
    }
}

fn of_keeper(error: &KeeperError) -> &'static str {
    match error {
        KeeperError::Io { .. } => "无法读写见证方的状态文件",
        KeeperError::NotMade(_) => {
            "此处不是见证方的状态目录，请用 adit witness init 建立；丢失状态的见证方应停用并更换密钥"
        }
        KeeperError::Made(_) => "此处已有见证方的状态，绝不重建",
        KeeperError::OtherKey(_) => "此状态目录属于另一见证密钥，每个密钥各有其状态",
        KeeperError::Damaged(_) => "状态文件不是本见证方最近见证的内容；请放回最新副本，或停用该密钥",
        KeeperError::InUse(_) => "另一进程正在使用此状态目录，请先停止它",
        KeeperError::NotAKey(_) => "不是见证方的密钥文件，请用 adit witness init 生成",
        KeeperError::KeyReadable(_) => "他人可以读取密钥文件，请执行 chmod 600",
        KeeperError::OwnKey => "日志密钥与见证密钥相同，日志不能为自己作见证",
        KeeperError::Home(error) => of_home(error),
    }
}
