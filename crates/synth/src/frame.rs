//! Code objects, frames and generators.

use exuvia_memory::RemoteAddress;

use crate::abi::{FramesAbi, InterpreterFramesAbi};
use crate::offset;
use crate::{Heap, frame_object};

/// How a variable of a function is kept: `co_localspluskinds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Variable {
    /// Only the function has it.
    Local = 0x20,
    /// Closures share it.
    Cell = 0x40,
    /// It belongs to a function around this one.
    Free = 0x80,
}

/// A code object.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// Its `PyCodeObject`.
    pub address: RemoteAddress,
    /// The tuple of its variables' names; up to 3.10 of those that only the function has.
    pub names: RemoteAddress,
    /// The `bytes` of their kinds; null up to 3.10.
    pub kinds: RemoteAddress,
    pub(crate) variables: u64,
}

/// Whose a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Owner {
    /// The thread's stack.
    Thread = 0,
    /// A generator, which keeps it inside itself.
    Generator = 1,
    /// Its `frame` object, which outlived the call.
    FrameObject = 2,
    /// The C stack: it joins two runs of the evaluation loop. From 3.12, and from 3.14 under
    /// the name of the interpreter.
    CStack = 3,
}

/// What a generator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits at a `yield`.
    Suspended,
    /// It runs.
    Executing,
    /// It has ended.
    Cleared,
}

/// A frame to lay out.
#[derive(Debug, Clone, Copy)]
pub struct FrameSpec<'a> {
    /// What runs.
    pub code: Code,
    /// The function, or null.
    pub function: RemoteAddress,
    /// Its globals, or null.
    pub globals: RemoteAddress,
    /// Its variables, and then its stack.
    pub slots: &'a [RemoteAddress],
    /// How many of them are in use; −1 while the frame runs and does not say.
    pub stacktop: i32,
    /// The frame that called it, or null.
    pub previous: RemoteAddress,
    /// Whose it is.
    pub owner: Owner,
}

impl<'a> FrameSpec<'a> {
    /// A frame of the thread that runs, and was called by no other.
    pub fn new(code: Code, slots: &'a [RemoteAddress]) -> Self {
        Self {
            code,
            function: RemoteAddress::NULL,
            globals: RemoteAddress::NULL,
            slots,
            stacktop: -1,
            previous: RemoteAddress::NULL,
            owner: Owner::Thread,
        }
    }
}

impl Heap {
    /// A code object of a function with these variables, in a file `app.py`.
    pub fn code(&mut self, name: &str, variables: &[(&str, Variable)]) -> Code {
        let FramesAbi::Interpreter(frames) = &self.abi.frames else {
            return frame_object::code(self, name, variables);
        };
        let abi = &frames.code;
        let names: Vec<_> = variables.iter().map(|(name, _)| self.text(name)).collect();
        let kinds: Vec<_> = variables.iter().map(|&(_, kind)| kind as u8).collect();
        let names = self.tuple(&names);
        let kinds = self.bytes(&kinds);
        let consts = self.tuple(&[]);
        let (name, filename) = (self.text(name), self.text("app.py"));
        // One entry: eight units of code that belong to the line two below the first.
        let linetable = self.bytes(&[0x80 | 12 << 3 | 7, 0, 0]);
        let code = self.allocate(abi.co_code_adaptive + 16);
        self.head(code, "code");
        self.put_u64(code, offset::OB_SIZE, 8);
        let pointers = [
            (abi.co_consts, consts),
            (abi.co_localsplusnames, names),
            (abi.co_localspluskinds, kinds),
            (abi.co_filename, filename),
            (abi.co_name, name),
            (abi.co_qualname, name),
            (abi.co_linetable, linetable),
        ];
        for (at, target) in pointers {
            self.put_pointer(code, at, target);
        }
        let count = variables.len() as u64;
        self.put_u32(code, abi.co_stacksize, 4);
        self.put_u32(code, abi.co_firstlineno, 40);
        self.put_u32(code, abi.co_nlocalsplus, count as u32);
        Code {
            address: code,
            names,
            kinds,
            variables: count,
        }
    }

    /// A `_PyInterpreterFrame` on the stack of a thread, without an object; up to 3.10 a
    /// `frame`.
    pub fn frame(&mut self, spec: &FrameSpec<'_>) -> RemoteAddress {
        let abi = match &self.abi.frames {
            FramesAbi::Object(abi) => return frame_object::frame(self, abi, spec),
            FramesAbi::Interpreter(abi) => abi,
        };
        let size = abi.frame.localsplus + 8 * (spec.code.variables + 4);
        let frame = self.allocate(size);
        self.put_frame(abi, frame, spec);
        frame
    }

    /// A `frame` object that shows a `_PyInterpreterFrame`; up to 3.10 the frame itself.
    pub fn frame_object(&mut self, frame: RemoteAddress) -> RemoteAddress {
        let FramesAbi::Interpreter(abi) = &self.abi.frames else {
            return frame;
        };
        let object = self.allocate_tracked(abi.frame.object_data);
        self.head(object, "frame");
        self.put_pointer(object, offset::FRAME_F_FRAME, frame);
        self.put_pointer(frame, abi.frame.frame_obj, object);
        object
    }

    /// Changes which frame a frame says that called it.
    pub fn set_previous(&mut self, frame: RemoteAddress, previous: RemoteAddress) {
        match &self.abi.frames {
            FramesAbi::Object(_) => frame_object::set_previous(self, frame, previous),
            FramesAbi::Interpreter(abi) => self.put_pointer(frame, abi.frame.previous, previous),
        }
    }

    /// A generator. Returns it and the frame inside of it.
    pub fn generator(
        &mut self,
        state: State,
        spec: &FrameSpec<'_>,
    ) -> (RemoteAddress, RemoteAddress) {
        let frames = match &self.abi.frames {
            FramesAbi::Object(abi) => return frame_object::generator(self, abi, state, spec),
            FramesAbi::Interpreter(abi) => abi,
        };
        let abi = &frames.generator;
        let size = abi.gi_iframe + frames.frame.localsplus + 8 * (spec.code.variables + 4);
        let object = self.allocate_tracked(size);
        self.head(object, "generator");
        let name = self.text("numbers");
        self.put_pointer(object, abi.gi_name, name);
        self.put_pointer(object, abi.gi_qualname, name);
        if let Some(at) = abi.gi_code {
            self.put_pointer(object, at, spec.code.address);
        }
        let state = match state {
            State::Suspended => abi.suspended,
            State::Executing => abi.executing,
            State::Cleared => abi.cleared,
        };
        self.image
            .put(object.offset(abi.gi_frame_state), &state.to_le_bytes());
        let frame = object.offset(abi.gi_iframe);
        let owner = Owner::Generator;
        self.put_frame(frames, frame, &FrameSpec { owner, ..*spec });
        (object, frame)
    }

    fn put_frame(
        &mut self,
        abi: &InterpreterFramesAbi,
        frame: RemoteAddress,
        spec: &FrameSpec<'_>,
    ) {
        let instruction = spec.code.address.offset(abi.code.co_code_adaptive);
        let abi = &abi.frame;
        let pointers = [
            (abi.code, spec.code.address),
            (abi.function, spec.function),
            (abi.globals, spec.globals),
            (abi.builtins, RemoteAddress::NULL),
            (abi.locals, RemoteAddress::NULL),
            (abi.previous, spec.previous),
            (abi.instruction, instruction),
        ];
        for (at, target) in pointers {
            self.put_pointer(frame, at, target);
        }
        let first = frame.offset(abi.localsplus);
        if abi.tagged {
            let top = u64::try_from(spec.stacktop).map(|slots| first.offset(8 * slots));
            self.put_pointer(frame, offset::FRAME_STACKTOP, top.unwrap_or_default());
        } else {
            self.put_u32(frame, offset::FRAME_STACKTOP, spec.stacktop as u32);
        }
        self.image.put(frame.offset(abi.owner), &[spec.owner as u8]);
        self.put_pointers(first, spec.slots);
    }
}
