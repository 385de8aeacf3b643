//! Names of the simulated disk: those that processes see, those that are durable, and the changes between the two.
//!
//! A change is one link, unlink or rename, and happens as a whole. A power cut leaves either the first few of the changes that were
//! not made durable (a journal), or any of them (none).

use ringfort::base::rng::Rng;
use std::collections::{BTreeMap, BTreeSet};

/// Components joined with `/`; the working directory is empty.
pub type Path = Vec<u8>;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Node {
    Dir,
    File(u64),
}

type Tree = BTreeMap<Path, Node>;

#[derive(Clone, Debug)]
struct Change {
    gone: Option<Path>,
    come: Option<(Path, Node)>,
}

/// See the file's head.
#[derive(Clone, Debug, Default)]
pub struct Names {
    now: Tree,
    disk: Tree,
    pending: Vec<Change>,
}

/// Takes `.` and doubled slashes away. Absolute paths begin at the working directory.
pub fn clean(path: &[u8]) -> Path {
    let parts: Vec<&[u8]> = path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    assert!(!parts.contains(&b"..".as_slice()), "paths go down only");
    parts.join(&b'/')
}

/// The directory that holds a name.
pub fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|b| *b == b'/').map_or(b"", |at| &path[..at])
}

impl Change {
    fn dirs(&self) -> impl Iterator<Item = Path> {
        let come = self.come.as_ref().map(|(path, _)| path);
        self.gone.iter().chain(come).map(|path| parent(path).to_vec())
    }

    fn touches(&self, path: &[u8]) -> bool {
        self.gone.as_deref() == Some(path) || self.come.as_ref().is_some_and(|(come, _)| come == path)
    }

    fn apply(&self, tree: &mut Tree) {
        match (&self.gone, &self.come) {
            (Some(from), Some((to, node))) => {
                if tree.get(from) == Some(node) {
                    tree.remove(from);
                }
                tree.insert(to.clone(), *node);
            }
            (Some(path), None) => {
                tree.remove(path);
            }
            (None, Some((path, node))) => {
                tree.insert(path.clone(), *node);
            }
            (None, None) => {}
        }
    }
}

impl Names {
    /// What a name stands for; the working directory is always there.
    pub fn get(&self, path: &[u8]) -> Option<Node> {
        if path.is_empty() { Some(Node::Dir) } else { self.now.get(path).copied() }
    }

    /// The errno for a name whose directory is not one.
    pub fn check_parent(&self, path: &[u8]) -> Result<(), i32> {
        match self.get(parent(path)) {
            Some(Node::Dir) => Ok(()),
            Some(Node::File(_)) => Err(libc::ENOTDIR),
            None => Err(libc::ENOENT),
        }
    }

    fn change(&mut self, gone: Option<Path>, come: Option<(Path, Node)>) {
        let change = Change { gone, come };
        change.apply(&mut self.now);
        self.pending.push(change);
    }

    pub fn link(&mut self, path: Path, node: Node) {
        self.change(None, Some((path, node)));
    }

    pub fn unlink(&mut self, path: Path) {
        self.change(Some(path), None);
    }

    pub fn rename(&mut self, from: Path, to: Path, node: Node) {
        self.change(Some(from), Some((to, node)));
    }

    /// Makes the names of a directory durable, and what happened before to the directories that its renames reach.
    pub fn sync(&mut self, dir: &[u8]) {
        let mut dirs = BTreeSet::from([dir.to_vec()]);
        let (mut left, mut done) = (Vec::new(), Vec::new());
        for change in self.pending.drain(..).rev() {
            if change.dirs().any(|dir| dirs.contains(&dir)) {
                dirs.extend(change.dirs());
                done.push(change);
            } else {
                left.push(change);
            }
        }
        done.iter().rev().for_each(|change| change.apply(&mut self.disk));
        left.reverse();
        self.pending = left;
    }

    /// A name that is durable from the beginning.
    pub fn put(&mut self, path: &[u8], node: Node) {
        self.now.insert(path.to_vec(), node);
        self.disk.insert(path.to_vec(), node);
    }

    /// Returns how many changes survived and how many did not.
    pub fn power_cut(&mut self, rng: &mut Rng) -> (u64, u64) {
        let pending = std::mem::take(&mut self.pending);
        let is_journal = rng.below(2) == 0;
        let first = rng.below(pending.len() as u64 + 1) as usize;
        let (mut kept, mut lost) = (0, 0);
        for (i, change) in pending.iter().enumerate() {
            if if is_journal { i < first } else { rng.below(2) == 0 } {
                change.apply(&mut self.disk);
                kept += 1;
            } else {
                lost += 1;
            }
        }
        // What lies in a directory that is not there is not there either. Parents sort before what they hold.
        let mut whole = Tree::new();
        for (path, node) in &self.disk {
            if parent(path).is_empty() || whole.get(parent(path)) == Some(&Node::Dir) {
                whole.insert(path.clone(), *node);
            }
        }
        self.disk = whole;
        self.now = self.disk.clone();
        (kept, lost)
    }

    /// Whether a power cut can neither take this name away nor give it to another file.
    pub fn is_promised(&self, path: &[u8]) -> bool {
        let mut ancestors = vec![path];
        while let Some(last) = ancestors.last().copied().filter(|last| !last.is_empty()) {
            ancestors.push(parent(last));
        }
        ancestors.iter().all(|name| self.get(name).is_some() && !self.pending.iter().any(|change| change.touches(name)))
    }

    /// Names directly below a directory, sorted.
    pub fn list(&self, dir: &[u8]) -> Vec<Vec<u8>> {
        let last = |path: &Path| path[parent(path).len()..].strip_prefix(b"/").map_or_else(|| path.clone(), <[u8]>::to_vec);
        self.now.keys().filter(|path| parent(path) == dir).map(last).collect()
    }

    /// Files that processes can name.
    pub fn visible(&self) -> BTreeSet<u64> {
        files(&self.now).collect()
    }

    /// Files that have a name now, or may have one after a power cut.
    pub fn reachable(&self) -> BTreeSet<u64> {
        let pending = self.pending.iter().filter_map(|change| change.come.as_ref()).filter_map(|(_, node)| file(*node));
        files(&self.now).chain(files(&self.disk)).chain(pending).collect()
    }
}

fn file(node: Node) -> Option<u64> {
    match node {
        Node::File(number) => Some(number),
        Node::Dir => None,
    }
}

fn files(tree: &Tree) -> impl Iterator<Item = u64> {
    tree.values().filter_map(|node| file(*node))
}
