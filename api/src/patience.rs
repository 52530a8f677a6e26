//! How long a request may take: a minute; and where files arrive, as long as enough of them does.
//!
//! A slow network is no reason to begin anew. But whoever sends slowly while others wait for a turn is treated as ever, so that nobody
//! holds a place by sending a byte now and then.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};

use crate::app::App;
use crate::problem::ApiRefusal;

/// What brings files: a reporter's, and those that prove something, from underground over a mobile network.
fn brings_files(request: &Request) -> bool {
    let (method, path) = (request.method(), request.uri().path());
    (method == Method::POST && ["/report", "/my"].contains(&path))
        || ([Method::POST, Method::PATCH].contains(method) && path.starts_with("/api/v1/sealed/uploads"))
        || (method == Method::PUT && path == "/api/v1/files")
        || (method == Method::POST && (path.starts_with("/desk/do/") || path == "/desk/import"))
}

/// Ends a request that takes too long.
pub(crate) async fn in_time(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let limits = app.intake.limits;
    let window = Duration::from_secs(limits.request_seconds);
    let windows =
        if brings_files(&request) { limits.upload_minutes * 60 / limits.request_seconds } else { 1 };
    let arrived = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&arrived);
    let request = request.map(|inner| Body::new(Counted { inner, arrived: count }));
    let mut answer = pin!(next.run(request));
    for _ in 0..windows.max(1) {
        arrived.store(0, Ordering::Relaxed);
        if let Ok(answer) = tokio::time::timeout(window, &mut answer).await {
            return answer;
        }
        let slow = arrived.load(Ordering::Relaxed) < limits.upload_kib * 1024;
        if slow || app.intake.files.is_crowded() {
            break;
        }
    }
    ApiRefusal::TimedOut.into_response()
}

/// A body whose bytes are counted as they arrive.
struct Counted {
    inner: Body,
    arrived: Arc<AtomicU64>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
            self.arrived.fetch_add(bytes, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
