//! The Python that runs in the target, as one text.

/// The files of `python/`, in the order in which they need each other. They share one namespace,
/// which belongs to no module of the target.
const PIECES: [&str; 13] = [
    include_str!("../python/names.py"),
    include_str!("../python/shared.py"),
    include_str!("../python/channel.py"),
    include_str!("../python/streams.py"),
    include_str!("../python/routing.py"),
    include_str!("../python/namespaces.py"),
    include_str!("../python/sources.py"),
    include_str!("../python/coroutines.py"),
    include_str!("../python/tracebacks.py"),
    include_str!("../python/completion.py"),
    include_str!("../python/surroundings.py"),
    include_str!("../python/session.py"),
    include_str!("../python/serve.py"),
];

/// Where the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// On a thread of its own, which the text starts.
    NewThread,
    /// On the thread that runs the text, which returns when the connection ends.
    Here,
}

/// What a process gets over its channel: text that is run, and behind it data that the text reads
/// from the channel by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Python text.
    pub text: String,
    /// What lies behind it.
    pub data: String,
}

impl From<String> for Delivery {
    /// Text that needs nothing else.
    fn from(text: String) -> Self {
        let data = String::new();
        Self { text, data }
    }
}

/// Makes the server, by text of a name that tells of whom it is: memory is counted for it. Where one
/// was kept, that serves again; that of another exuvia has another hash.
const LOADER: &str = "\
read, data = __import__('posix').read, b''
while len(data) < sum(sizes):
    part = read(descriptor, sum(sizes) - len(data))
    if not part:
        raise EOFError
    data += part
key, kept = vars(__import__('sys')).get('_exuvia_kept', (None, None))
if key == hash(data):
    names['serve'] = kept['serve']
else:
    names['__builtins__'] = dict(vars(__import__('builtins')))
    names['key'] = hash(data)
    at = 0
    for size in sizes:
        exec(compile(data[at : at + size], '<exuvia>', 'exec', 0, True), names)
        at += size
";

/// What serves on a descriptor of the target, to be run once in any namespace, which gets the name
/// `names`. It raises what starting a thread raises.
///
/// The server has builtins of its own, so that code which replaces `len` does not break it. Each file
/// is compiled by itself, since compiling holds the GIL: other threads get it in between. The files
/// are data and not part of the text, whose constants CPython 3.13 without the GIL never frees.
pub fn program(descriptor: i32, place: Place) -> Delivery {
    let sizes = PIECES.map(str::len);
    let in_place = match place {
        Place::NewThread => "False",
        Place::Here => "True",
    };
    let text = format!(
        "names = {{}}\n\
         exec(compile(r'''{LOADER}''', '<exuvia>', 'exec', 0, True), \
         {{'names': names, 'descriptor': {descriptor}, 'sizes': {sizes:?}}})\n\
         names['serve']({descriptor}, {in_place})\n"
    );
    let data = PIECES.concat();
    Delivery { text, data }
}

/// Text to be run in a clone before `PyOS_AfterFork_Child` forgets the other threads: it keeps
/// copies of their frames for `--frame`, which the server finds by itself, and lets nobody wait for
/// them. It needs a namespace of its own, and raises nothing.
pub fn stash() -> &'static str {
    include_str!("../python/stash.py")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_ascii() {
        assert!(
            PIECES
                .iter()
                .all(|piece| piece.ends_with('\n') && piece.is_ascii())
        );
        assert!(!LOADER.contains("'''") && LOADER.is_ascii());
    }

    #[test]
    fn the_call_says_where_it_runs() {
        let text = |place| program(7, place).text;
        assert!(text(Place::NewThread).ends_with("names['serve'](7, False)\n"));
        assert!(text(Place::Here).ends_with("names['serve'](7, True)\n"));
    }
}
