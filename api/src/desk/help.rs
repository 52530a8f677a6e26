//! A guide for each role, in the words of the workbench: what one does here, in the order of a day.

use adit_core::role::Role;
use askama::Template;

use super::frame::{Desk, Frame, Shown, render};

struct Guide {
    role: &'static str,
    title: String,
    steps: Vec<String>,
    own: bool,
}

#[derive(Template)]
#[template(path = "desk/help.html")]
struct Help {
    frame: Frame,
    guides: Vec<Guide>,
}

/// Help
///
/// 使用说明：各岗位一天的事，自己的岗位在前。
#[utoipa::path(get, path = "/desk/help", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in")))]
pub(crate) async fn show(desk: Desk) -> Shown {
    let w = desk.w;
    // The offline key signs in nowhere.
    let roles = Role::ALL.into_iter().filter(|role| *role != Role::Escrow);
    let mut guides: Vec<Guide> = roles
        .map(|role| Guide {
            role: role.name(),
            title: w.find(&format!("role.{}", role.name())).unwrap_or(role.name()).to_owned(),
            steps: w
                .find(&format!("guide.{}", role.name()))
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect(),
            own: desk.reader.roles.contains(&role),
        })
        .collect();
    guides.sort_by_key(|guide| !guide.own);
    // An enterprise is told what it does here, and not how others find out.
    guides.retain(|guide| guide.own || !desk.reader.is_enterprise());
    render(&Help { frame: Frame::of(&desk), guides })
}
