//! Search in Chinese and English over what officers and enterprises have written. The index lies in memory alone: in a folder
//! it would be readable text beside a ledger whose bodies are encrypted.

use std::collections::BTreeSet;

use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::{StreamId, StreamKind};
use adit_core::inspection::InspectionEvent;
use adit_core::report::ReportEvent;
use adit_core::rules::criteria;
use adit_core::units::Position;
use serde::Serialize;
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{FAST, Field, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{LowerCaser, TextAnalyzer};
use tantivy::{Index, IndexReader, IndexWriter, TantivyDocument, TantivyError, Term};
use tantivy_jieba::JiebaTokenizer;

use crate::ask::Viewer;

/// Memory of the writer, in bytes.
const WRITER_BYTES: usize = 64 << 20;
/// Name of the column of positions.
const POSITION: &str = "position";
/// Name of the splitting into words.
const WORDS: &str = "words";

/// Why nothing can be found.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the search index failed: {0}")]
    Index(#[from] TantivyError),
}

#[derive(Clone, Copy)]
struct Fields {
    text: Field,
    kind: Field,
    enterprise: Field,
    /// The stream, of what may be kept from somebody.
    stream: Field,
    position: Field,
}

/// Writes the index, fact by fact.
pub struct Indexer {
    writer: IndexWriter,
    fields: Fields,
    pending: usize,
    finder: Finder,
}

/// Finds what is in the index; many may do so at once.
#[derive(Clone)]
pub struct Finder {
    index: Index,
    reader: IndexReader,
    fields: Fields,
}

/// What was found, best first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    pub total: usize,
    /// The entries whose bodies hold the texts.
    pub hits: Vec<Position>,
}

impl Indexer {
    pub fn new() -> Result<Self, SearchError> {
        let mut schema = Schema::builder();
        let words = TextFieldIndexing::default()
            .set_tokenizer(WORDS)
            .set_index_option(IndexRecordOption::WithFreqs)
            .set_fieldnorms(true);
        let fields = Fields {
            text: schema.add_text_field("text", TextOptions::default().set_indexing_options(words)),
            kind: schema.add_text_field("kind", STRING),
            enterprise: schema.add_text_field("enterprise", STRING),
            stream: schema.add_text_field("stream", STRING),
            // In a column of its own: a few bits for each text, where a stored document takes a hundred times as much.
            position: schema.add_u64_field(POSITION, FAST),
        };
        let index = Index::create_in_ram(schema.build());
        let analyzer = TextAnalyzer::builder(JiebaTokenizer::new()).filter(LowerCaser).build();
        index.tokenizers().register(WORDS, analyzer);
        let writer = index.writer_with_num_threads(1, WRITER_BYTES)?;
        let reader = index.reader()?;
        let finder = Finder { index, reader, fields };
        Ok(Self { writer, fields, pending: 0, finder })
    }

    pub fn finder(&self) -> Finder {
        self.finder.clone()
    }

    /// Takes over one fact; it is found after the next [`Self::commit`].
    pub fn apply(&mut self, fact: &Fact) -> Result<(), SearchError> {
        let Some((enterprise, texts)) = texts(fact) else { return Ok(()) };
        let mut document = TantivyDocument::default();
        for text in texts {
            document.add_text(self.fields.text, text);
        }
        document.add_text(self.fields.kind, fact.stream.kind.name());
        if fact.stream.kind == StreamKind::Report {
            document.add_text(self.fields.stream, fact.stream.to_string());
        }
        if let Some(enterprise) = enterprise {
            document.add_text(self.fields.enterprise, enterprise.to_string());
        }
        document.add_u64(self.fields.position, fact.position.0);
        self.writer.add_document(document)?;
        self.pending += 1;
        Ok(())
    }

    /// Texts that are not found yet.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// Lets everything be found that was taken over.
    pub fn commit(&mut self) -> Result<(), SearchError> {
        if self.pending > 0 {
            self.writer.commit()?;
            self.finder.reader.reload()?;
            self.pending = 0;
        }
        Ok(())
    }
}

/// The enterprise that a fact is about, where it names one, and what people wrote. Sealed testimony is not among it, and
/// inquiries are not searched.
fn texts(fact: &Fact) -> Option<(Option<StreamId>, Vec<String>)> {
    match &fact.event {
        Event::Hazard(event) => of_hazard(event),
        Event::Enterprise(event) => of_enterprise(event).map(|texts| (Some(fact.stream), texts)),
        Event::Inspection(event) => of_inspection(event),
        Event::Report(event) => of_report(event).map(|texts| (None, texts)),
        Event::Reward(_)
        | Event::Actor(_)
        | Event::Rules(_)
        | Event::Ledger(_)
        | Event::Concern(_)
        | Event::Inquiry(_)
        | Event::Access(_) => None,
    }
}

fn of_hazard(event: &HazardEvent) -> Option<(Option<StreamId>, Vec<String>)> {
    if let HazardEvent::Reported(report) = event {
        let texts = vec![report.place.to_string(), report.description.to_string()];
        return Some((Some(report.enterprise), texts));
    }
    if let HazardEvent::Verified(verified) = event {
        let item = verified.criterion.as_deref();
        let law = item.and_then(criteria::get).map(|item| item.text_zh.to_owned());
        let texts = [Some(verified.because.to_string()), item.map(str::to_owned), law];
        return Some((Some(verified.enterprise), texts.into_iter().flatten().collect()));
    }
    if let HazardEvent::Penalised(penalised) = event {
        let penalise = &penalised.penalise;
        return Some((
            Some(penalised.enterprise),
            vec![penalise.decision.to_string(), penalise.article.to_string()],
        ));
    }
    None
}

fn of_enterprise(event: &EnterpriseEvent) -> Option<Vec<String>> {
    match event {
        EnterpriseEvent::Registered(register) => {
            let all = [
                Some(&register.name),
                register.credit_code.as_ref(),
                Some(&register.town),
                register.controller.as_ref(),
                register.parent.as_ref(),
            ];
            Some(all.into_iter().flatten().map(ToString::to_string).collect())
        }
        EnterpriseEvent::ControllerChanged(change) | EnterpriseEvent::ParentChanged(change) => {
            change.holder.as_ref().map(|holder| vec![holder.to_string()])
        }
        EnterpriseEvent::AccidentRecorded(recorded) => Some(vec![recorded.accident.description.to_string()]),
        EnterpriseEvent::LicenceChanged(_)
        | EnterpriseEvent::PrincipalChanged(_)
        | EnterpriseEvent::Graded(_)
        | EnterpriseEvent::SelfInspectionLogged(_)
        | EnterpriseEvent::ChannelOpened(_)
        | EnterpriseEvent::ChannelClosed(_)
        | EnterpriseEvent::ResumptionAccepted(_)
        | EnterpriseEvent::ClosurePetitioned(_)
        | EnterpriseEvent::Closed(_) => None,
    }
}

fn of_inspection(event: &InspectionEvent) -> Option<(Option<StreamId>, Vec<String>)> {
    match event {
        InspectionEvent::Performed(perform) => {
            Some((Some(perform.enterprise), vec![perform.checked.to_string()]))
        }
        InspectionEvent::FindingRecorded(found) => {
            let finding = &found.finding;
            Some((Some(found.enterprise), vec![finding.place.to_string(), finding.description.to_string()]))
        }
        InspectionEvent::EnforcementTaken(enforce) => {
            Some((None, vec![enforce.measure.to_string(), enforce.article.to_string()]))
        }
        InspectionEvent::Sealed(_)
        | InspectionEvent::Opened(_)
        | InspectionEvent::Lapsed(_)
        | InspectionEvent::NothingFound(_) => None,
    }
}

/// What officers wrote of a report.
fn of_report(event: &ReportEvent) -> Option<Vec<String>> {
    if let ReportEvent::Verified(verified) = event {
        let verify = &verified.verify;
        return Some(vec![verify.matter_key.to_string(), verify.findings.to_string()]);
    }
    if let ReportEvent::Handled(handle) = event {
        return Some(vec![handle.done.to_string()]);
    }
    None
}

impl Finder {
    /// Texts with all of these words that the viewer may see, best first, without those of streams that are kept from the asker.
    pub fn find(
        &self,
        words: &str,
        viewer: Viewer,
        kept: &BTreeSet<StreamId>,
        offset: usize,
        limit: usize,
    ) -> Result<Found, SearchError> {
        let terms = self.terms(words)?;
        if terms.is_empty() {
            return Ok(Found { total: 0, hits: Vec::new() });
        }
        let exact = |field: Field, text: &str| -> Box<dyn Query> {
            Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
        };
        let kinds = StreamKind::ALL.into_iter().filter(|kind| viewer.sees(*kind));
        let kinds: Vec<Box<dyn Query>> = kinds.map(|kind| exact(self.fields.kind, kind.name())).collect();
        let mut all: Vec<Box<dyn Query>> = vec![Box::new(BooleanQuery::union(kinds))];
        if let Viewer::Enterprise(enterprise) = viewer {
            all.push(exact(self.fields.enterprise, &enterprise.to_string()));
        }
        for term in terms {
            all.push(Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)));
        }
        let mut all: Vec<_> = all.into_iter().map(|query| (Occur::Must, query)).collect();
        let kept = kept.iter().filter(|stream| stream.kind == StreamKind::Report);
        all.extend(kept.map(|stream| (Occur::MustNot, exact(self.fields.stream, &stream.to_string()))));
        let query = BooleanQuery::new(all);
        let searcher = self.reader.searcher();
        let top = TopDocs::with_limit(limit.max(1)).and_offset(offset).order_by_score();
        let (top, total) = searcher.search(&query, &(top, Count))?;
        let mut hits = Vec::with_capacity(top.len());
        for (_, address) in top {
            let column = searcher.segment_reader(address.segment_ord).fast_fields().u64(POSITION)?;
            hits.extend(column.first(address.doc_id).map(Position));
        }
        Ok(Found { total, hits })
    }

    /// The words of a question, split as the texts were; signs between them ask for nothing.
    fn terms(&self, words: &str) -> Result<Vec<Term>, SearchError> {
        let mut analyzer = self.index.tokenizer_for_field(self.fields.text)?;
        let mut stream = analyzer.token_stream(words);
        let mut terms = Vec::new();
        while let Some(token) = stream.next() {
            if token.text.chars().any(char::is_alphanumeric) {
                terms.push(Term::from_field_text(self.fields.text, &token.text));
            }
        }
        terms.sort_unstable();
        terms.dedup();
        Ok(terms)
    }
}
