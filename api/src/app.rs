//! What the handlers share.

use std::sync::{Arc, Mutex, OnceLock};

use adit_core::ledger::blobs::BlobError;
use adit_core::ledger::parts::Parts;
use adit_core::office::Office;
use tokio::sync::{Semaphore, watch};

use crate::attached::Rations;
use crate::challenge::Challenges;
use crate::digest::Digests;
use crate::digest::mail::Mail;
use crate::digest::webhook::Webhook;
use crate::halfway::Halfway;
use crate::handlers::log::TileCache;
use crate::import::held::Imports;
use crate::intake::Intake;
use crate::invitations::Invitations;
use crate::keystore::Keystore;
use crate::limits::{Limits, LimitsError};
use crate::onion::Onion;
use crate::openid::OpenId;
use crate::openid::provider::Provider;
use crate::openid::trips::Trips;
use crate::passkeys::{Passkeys, Site};
use crate::past::Past;
use crate::pending::WaitingRoom;
use crate::pickup::Counter;
use crate::projector::{Projector, ProjectorError};
use crate::searcher::{Searcher, SearcherError};
use crate::session::Sessions;
use crate::witnesses::Witnesses;

/// Sign-ins that hash a password or wait for their turn; more are told to come back.
const SIGN_INS_MAX: usize = 64;
/// Files that are shown at once; each lies in memory, and a photograph that is drawn small does so pixel by pixel.
const VIEWS_MAX: usize = 2;

/// Why the server can't be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Projector(#[from] ProjectorError),
    #[error(transparent)]
    Searcher(#[from] SearcherError),
    #[error(transparent)]
    Limits(#[from] LimitsError),
    #[error(transparent)]
    Blobs(#[from] BlobError),
    #[error("the operating system gave no randomness")]
    NoRandomness,
    /// The provider sends browsers back to it.
    #[error("an OpenID provider needs the address at which people open this server")]
    OpenIdWithoutSite,
}

/// How the server is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Everything in this ledger is made up or published: the tables are open to whoever looks.
    pub demonstration: bool,
    /// How many access entries stand in the log on each day, fillers among them; none where it is 0.
    pub access_per_day: u32,
    /// The onion service that leads to this server.
    pub onion: Option<Onion>,
    /// The address at which people open this server, to which passkeys are bound; without it there are none.
    pub site: Option<Site>,
    /// The OpenID provider that says who somebody is, where they linked their account there.
    pub openid: Option<OpenId>,
    /// Other limits than those that ship.
    pub limits: Option<Limits>,
    /// The server that takes mail; without it no digest is mailed.
    pub mail: Option<Mail>,
    /// Where the bureau's messenger takes digests.
    pub webhook: Option<Webhook>,
}

/// One running ledger with its web server's memory.
pub struct App {
    pub office: Arc<Office>,
    pub projector: Arc<Projector>,
    pub searcher: Arc<Searcher>,
    pub keystore: Keystore,
    pub(crate) invitations: Invitations,
    pub(crate) options: Options,
    pub(crate) sessions: Sessions,
    pub(crate) halfway: Halfway,
    pub(crate) passkeys: Passkeys,
    pub(crate) openid: Option<Arc<Provider>>,
    pub(crate) trips: Trips,
    pub(crate) room: WaitingRoom,
    pub(crate) challenges: Challenges,
    pub(crate) sign_ins: Arc<Semaphore>,
    pub(crate) past: Past,
    pub(crate) views: Semaphore,
    pub(crate) rations: Rations,
    pub(crate) intake: Intake,
    /// Sealed files that arrive in pieces, where there are sealed files at all.
    pub(crate) parts: Option<Parts>,
    pub(crate) pickups: Counter,
    pub(crate) digests: Digests,
    pub(crate) imports: Imports,
    /// One at a time changes what an account keeps.
    pub(crate) views_kept: Mutex<()>,
    witnesses: OnceLock<Arc<Witnesses>>,
    /// The server is about to stop.
    pub(crate) closing: watch::Sender<bool>,
    pub(crate) tiles: TileCache,
}

impl App {
    pub fn new(office: Office, keystore: Keystore) -> Result<Arc<Self>, StartError> {
        Self::with(office, keystore, Options::default())
    }

    pub fn with(office: Office, keystore: Keystore, options: Options) -> Result<Arc<Self>, StartError> {
        let limits = match options.limits {
            Some(limits) => limits,
            None => Limits::shipped()?,
        };
        let blobs = office.ledger().blobs().cloned();
        let parts = blobs.map(|blobs| Parts::open(blobs, limits.parts())).transpose()?;
        let openid = match (&options.openid, &options.site) {
            (None, _) => None,
            (Some(config), Some(site)) => Some(Arc::new(Provider::new(config.clone(), site))),
            (Some(_), None) => return Err(StartError::OpenIdWithoutSite),
        };
        let projector = Projector::start(office.ledger())?;
        let office = Arc::new(office);
        let searcher = Searcher::start(&office)?;
        Ok(Arc::new(Self {
            office,
            projector,
            searcher,
            invitations: Invitations::at(keystore.folder().join("invitations")),
            keystore,
            passkeys: Passkeys::of(options.site.clone()),
            digests: Digests::new(options.mail.clone(), options.webhook.clone()),
            openid,
            trips: Trips::default(),
            options,
            sessions: Sessions::default(),
            halfway: Halfway::default(),
            room: WaitingRoom::default(),
            challenges: Challenges::new().map_err(|_| StartError::NoRandomness)?,
            sign_ins: Arc::new(Semaphore::new(SIGN_INS_MAX)),
            past: Past::new(&limits),
            views: Semaphore::new(VIEWS_MAX),
            rations: Rations::default(),
            intake: Intake::new(&limits).map_err(|_| StartError::NoRandomness)?,
            parts,
            pickups: Counter::default(),
            imports: Imports::default(),
            views_kept: Mutex::default(),
            witnesses: OnceLock::new(),
            closing: watch::Sender::new(false),
            tiles: TileCache::default(),
        }))
    }

    /// The checkpoint to show: the newest one where everything may be seen, else the published one.
    pub(crate) fn checkpoint(&self, sees_unpublished: bool) -> Vec<u8> {
        let ledger = self.office.ledger();
        if sees_unpublished || self.options.demonstration {
            return ledger.checkpoint();
        }
        ledger.published().note.clone()
    }

    /// Names the witnesses whose state `health` tells; the first call counts.
    pub fn attend(&self, witnesses: Arc<Witnesses>) {
        let _ = self.witnesses.set(witnesses);
    }

    /// The witnesses that are asked, if any.
    pub(crate) fn witnesses(&self) -> Option<&Witnesses> {
        self.witnesses.get().map(Arc::as_ref)
    }

    /// Entries below this position may be seen.
    pub(crate) fn visible_size(&self, sees_unpublished: bool) -> u64 {
        let ledger = self.office.ledger();
        if sees_unpublished || self.options.demonstration { ledger.size() } else { ledger.published().size() }
    }
}
