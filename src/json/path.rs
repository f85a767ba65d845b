//! JSONPath (RFC 9535) on documents of any size.
//!
//! Big containers are walked through the index; whatever is small enough is read as one resource and given to
//! jsonpath-rust with the rest of the query, on all cores, and dropped after.

use super::doc::Doc;
use super::index::BIG;
use super::node::{Node, string};
use super::plan::{Plan, Todo};
use super::probe;
use super::search::{GoOn, Search, Way, push_step, select};
use super::tree::Tree;
use super::walk::Cursor;
use crate::error::{Error, Kind, Result};
use jsonpath_rust::parser::model::Selector;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

/// From this size on, resources are queried on all cores.
const PARALLEL: usize = if cfg!(test) { 200 } else { 1 << 20 };
/// How much text one turn of a core takes.
const BATCH: usize = if cfg!(test) { 50 } else { 512 * 1024 };
/// How many resources one turn takes at most.
const BATCH_TASKS: usize = 2048;

/// One thing found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Its normalized path, if paths were asked for: `$['configs'][0]`.
    pub path: Option<String>,
    /// What was found.
    pub node: Node,
}

/// A parsed query, to be run on any number of documents.
#[derive(Debug)]
pub struct Query(Plan);

/// Find all that a JSONPath query selects, in the document's order. With `with_paths` each hit knows its path.
///
/// # Errors
/// The query is not JSONPath: at which character. Or a filter looks into too much at once.
pub fn jsonpath(node: &Node, query: &str, with_paths: bool) -> Result<Vec<Hit>> {
    Query::parse(query)?.run(node, with_paths, &|| Ok(()))
}

impl Query {
    /// Read a query.
    ///
    /// # Errors
    /// It is not JSONPath: at which character, and how to write it.
    pub fn parse(query: &str) -> Result<Self> {
        Plan::parse(query).map(Self)
    }

    /// Run it on a value. `go_on` is asked again and again meanwhile; its error ends the run.
    ///
    /// # Errors
    /// `go_on` gave one, or a filter looks into too much at once.
    pub fn run(&self, node: &Node, with_paths: bool, go_on: &(dyn Fn() -> Result<()> + Sync)) -> Result<Vec<Hit>> {
        let doc = node.doc();
        let root = probe::read(doc, node.start(), &self.0.from_root)?;
        let run = Run { plan: &self.0, root: &root, doc, with_paths, go_on };
        let walk = Mutex::new(Walk::new(&run, node));
        let cores = if node.size() < PARALLEL { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
        let found = Mutex::new(Vec::new());
        if cores == 1 {
            run.work(&walk, &found)?;
        } else {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..cores).map(|_| scope.spawn(|| run.work(&walk, &found))).collect();
                workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(panicked())))
            })?;
        }
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_unstable_by_key(|(turn, _)| *turn);
        Ok(found.into_iter().flat_map(|(_, hits)| hits).collect())
    }
}

fn panicked() -> Error {
    Error::new(Kind::Internal, "a JSONPath query made its reader panic").hint("this is a defect of pilotage: please report it")
}

/// A query on its way through one document.
struct Run<'r> {
    plan: &'r Plan,
    /// What `$` means in filters.
    root: &'r Tree<'r>,
    doc: &'r Arc<Doc>,
    with_paths: bool,
    go_on: &'r GoOn<'r>,
}

type Turns = Mutex<Vec<(usize, Vec<Hit>)>>;

impl<'r> Run<'r> {
    /// What one core does: take some resources, query them, until none is left.
    fn work(&self, walk: &Mutex<Walk<'r>>, found: &Turns) -> Result<()> {
        loop {
            (self.go_on)()?;
            let (turn, tasks) = walk.lock().unwrap_or_else(PoisonError::into_inner).batch()?;
            if tasks.is_empty() {
                return Ok(());
            }
            let mut hits = Vec::new();
            tasks.into_iter().try_for_each(|task| self.query(task, &mut hits))?;
            if !hits.is_empty() {
                found.lock().unwrap_or_else(PoisonError::into_inner).push((turn, hits));
            }
        }
    }

    /// Run what is left of the query on one resource.
    fn query(&self, task: Task, hits: &mut Vec<Hit>) -> Result<()> {
        let Task { node, bound, path, todo } = task;
        if self.plan.query(todo).is_none() {
            hits.push(Hit { path: self.with_paths.then_some(path), node });
            return Ok(());
        }
        if !self.plan.may_match(todo, self.doc.text().get(node.start()..bound).unwrap_or_default()) {
            return Ok(());
        }
        let tree = Tree::read(self.doc, node.start(), bound);
        let base = self.with_paths.then_some(path.as_str());
        let (plan, root, go_on) = (self.plan, self.root, self.go_on);
        Search { plan, root, node: &node, base, go_on, hits, way: Vec::new(), looked: 0 }.run(&tree, todo)
    }
}

/// A resource to be queried.
struct Task {
    node: Node,
    bound: usize,
    path: String,
    todo: Todo,
}

/// The way through the big containers, which gives tasks in the order of their hits.
struct Walk<'r> {
    plan: &'r Plan,
    root: &'r Tree<'r>,
    with_paths: bool,
    turn: usize,
    /// What is still to be done, the next on top.
    stack: Vec<Work>,
}

enum Work {
    /// Look at one value.
    Value(Task),
    /// Look at each member of a container.
    Members { node: Node, cursor: Cursor, path: String, todo: Todo },
    /// Look at elements of an array, so many apart.
    Slice { node: Node, path: String, next: i64, end: i64, step: i64, todo: Todo },
}

impl<'r> Walk<'r> {
    fn new(run: &Run<'r>, node: &Node) -> Self {
        let bound = node.start() + node.size();
        let first = Work::Value(Task { node: node.clone(), bound, path: "$".into(), todo: Todo::From(0) });
        Self { plan: run.plan, root: run.root, with_paths: run.with_paths, turn: 0, stack: vec![first] }
    }

    /// The next tasks, and their number in the order of all.
    fn batch(&mut self) -> Result<(usize, Vec<Task>)> {
        let (mut tasks, mut size) = (Vec::new(), 0);
        while size < BATCH && tasks.len() < BATCH_TASKS {
            let Some(task) = self.next()? else { break };
            size += task.bound.saturating_sub(task.node.start());
            tasks.push(task);
        }
        self.turn += 1;
        Ok((self.turn, tasks))
    }

    fn next(&mut self) -> Result<Option<Task>> {
        while let Some(work) = self.stack.pop() {
            let value = match work {
                Work::Value(task) => Some(task),
                Work::Members { node, cursor, path, todo } => self.member(node, cursor, path, todo),
                Work::Slice { node, path, next, end, step, todo } => self.element(node, path, (next, end, step), todo),
            };
            let Some(task) = value else { continue };
            if let ControlFlow::Break(task) = self.look(task)? {
                return Ok(Some(task));
            }
        }
        Ok(None)
    }

    /// A resource is a task; a big container is looked into; the end of the query is a hit.
    fn look(&mut self, task: Task) -> Result<ControlFlow<Task>> {
        let big = task.bound - task.node.start() >= BIG && task.node.doc().index().find(task.node.start()).is_some();
        if !big || self.plan.query(task.todo).is_none() {
            return Ok(ControlFlow::Break(task));
        }
        match task.todo {
            Todo::From(at) if self.plan.steps.get(at).is_some_and(|step| step.descends) => {
                self.push_members(&task, Todo::From(at));
                self.stack.push(Work::Value(Task { todo: Todo::Apply(at), ..task }));
            }
            Todo::From(at) | Todo::Apply(at) => self.apply(&task, at),
            Todo::Test(at, pick) => {
                if self.passes(&task.node, at, pick)? {
                    self.stack.push(Work::Value(Task { todo: Todo::From(at + 1), ..task }));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Follow each selector of a segment, the first one first.
    fn apply(&mut self, task: &Task, at: usize) {
        let plan = self.plan;
        let Some(step) = plan.steps.get(at) else { return };
        let then = Todo::From(at + 1);
        for (pick, selector) in step.selectors.iter().map(|pick| &pick.selector).enumerate().rev() {
            match selector {
                Selector::Name(name) => {
                    let path = self.path(&task.path, Way::Key(name));
                    self.push_value(task.node.get(name), path, then);
                }
                Selector::Index(index) => self.push_index(task, *index, then),
                Selector::Wildcard => self.push_members(task, then),
                Selector::Slice(start, end, step) => self.push_slice(task, (*start, *end, step.unwrap_or(1)), then),
                Selector::Filter(_) => self.push_members(task, Todo::Test(at, pick)),
            }
        }
    }

    fn push_value(&mut self, node: Option<Node>, path: String, todo: Todo) {
        let Some(node) = node else { return };
        let bound = node.start() + node.size();
        self.stack.push(Work::Value(Task { node, bound, path, todo }));
    }

    fn push_members(&mut self, task: &Task, todo: Todo) {
        let cursor = Cursor::new(task.node.doc(), task.node.start());
        self.stack.push(Work::Members { node: task.node.clone(), cursor, path: task.path.clone(), todo });
    }

    fn push_index(&mut self, task: &Task, index: i64, todo: Todo) {
        if task.node.kind() != super::Type::Array {
            return;
        }
        let length = task.node.len();
        let from_end = usize::try_from(index.unsigned_abs()).ok().and_then(|back| length.checked_sub(back));
        let index = if index < 0 { from_end } else { usize::try_from(index).ok() };
        let Some(index) = index.filter(|&index| index < length) else { return };
        let path = self.path(&task.path, Way::Index(index));
        self.push_value(task.node.at(index), path, todo);
    }

    /// The bounds of a slice as RFC 9535 (2.3.4.2.2) has them.
    fn push_slice(&mut self, task: &Task, (start, end, step): (Option<i64>, Option<i64>, i64), todo: Todo) {
        let Ok(length) = i64::try_from(task.node.len()) else { return };
        if task.node.kind() != super::Type::Array || step == 0 {
            return;
        }
        let normal = |index: i64| if index < 0 { length + index } else { index };
        let (next, end) = if step > 0 {
            (normal(start.unwrap_or(0)).clamp(0, length), normal(end.unwrap_or(length)).clamp(0, length))
        } else {
            let end = end.map_or(-1, |end| normal(end).clamp(-1, length - 1));
            (normal(start.unwrap_or(length - 1)).clamp(-1, length - 1), end)
        };
        self.stack.push(Work::Slice { node: task.node.clone(), path: task.path.clone(), next, end, step, todo });
    }

    fn member(&mut self, node: Node, mut cursor: Cursor, path: String, todo: Todo) -> Option<Task> {
        let doc = Arc::clone(node.doc());
        let ordinal = cursor.ordinal();
        let member = cursor.next(&doc)?;
        let bound = cursor.bound(&doc);
        let here = match member.key {
            Some(key) if self.with_paths => self.path(&path, Way::Key(&string(&doc, key))),
            _ => self.path(&path, Way::Index(ordinal)),
        };
        self.stack.push(Work::Members { node, cursor, path, todo });
        Some(Task { node: Node::new(doc, member.value), bound, path: here, todo })
    }

    fn element(&mut self, node: Node, path: String, (next, end, step): (i64, i64, i64), todo: Todo) -> Option<Task> {
        if if step > 0 { next >= end } else { next <= end } {
            return None;
        }
        let index = usize::try_from(next).ok()?;
        let element = node.at(index)?;
        let here = self.path(&path, Way::Index(index));
        self.stack.push(Work::Slice { node, path, next: next.checked_add(step)?, end, step, todo });
        let bound = element.start() + element.size();
        Some(Task { node: element, bound, path: here, todo })
    }

    /// Whether a filter accepts a big value, of which only what it looks at is read.
    fn passes(&self, node: &Node, at: usize, pick: usize) -> Result<bool> {
        let Some(pick) = self.plan.steps.get(at).and_then(|step| step.selectors.get(pick)) else { return Ok(false) };
        let tree = Tree::array(vec![probe::read(node.doc(), node.start(), &pick.wants)?], 0);
        Ok(!select(&Tree::pair(self.root, &tree), &pick.test).is_empty())
    }

    fn path(&self, parent: &str, step: Way<'_>) -> String {
        let mut path = String::new();
        if self.with_paths {
            path.push_str(parent);
            push_step(&mut path, step);
        }
        path
    }
}
