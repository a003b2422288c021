//! The shapes of a build, from which structs and fields it has.

use anyhow::{Result, bail};
use exuvia_cpython::{
    CurrentFrame, DictKeys, DictValues, EvalBreaker, ExceptionState, Frame, GcLists, Gil, Immortal,
    InstanceDict, IntRepr, LineTable, PendingCalls, Refcount, Shapes, StackRef, StaticTypes,
};

use super::dwarf::{Image, Type};

/// Derives every shape; an error if a build looks like none that is known.
pub(super) fn shapes(image: &Image) -> Result<Shapes> {
    let has = |name: &str, field: &str| -> Result<bool> {
        let record = image.record(name)?;
        Ok(record.is_some_and(|record| image.field(record, field).is_some()))
    };
    let header = has("PyDictValues", "capacity")?;
    let tagged = image.record("PyDictOrValues")?.is_some();
    // Up to 3.10, frames are objects, and instances have a dictionary or none.
    let frame_objects = has("PyFrameObject", "f_localsplus")?;
    let free_threaded = has("PyObject", "ob_ref_local")?;
    let in_interpreter = has("PyInterpreterState", "types.builtins")?;
    Ok(Shapes {
        int_repr: if has("PyLongObject", "long_value.lv_tag")? {
            IntRepr::LvTag
        } else {
            IntRepr::SignedSize
        },
        instance_dict: match (header, tagged) {
            (true, _) if free_threaded => InstanceDict::InlineValuesHeadless,
            (true, _) => InstanceDict::InlineValues,
            (false, true) => InstanceDict::TaggedDictOrValues,
            (false, false) if frame_objects => InstanceDict::DictOffset,
            (false, false) => InstanceDict::DictPointerAndValuesBefore,
        },
        dict_keys: if has("PyDictKeysObject", "dk_size")? {
            DictKeys::Size
        } else {
            DictKeys::Log2Size
        },
        dict_values: if header {
            DictValues::Header
        } else if frame_objects {
            DictValues::Bare
        } else {
            DictValues::PrefixBytes
        },
        frame: if frame_objects {
            Frame::Object
        } else if has("_PyInterpreterFrame", "f_func")? {
            Frame::FuncFirst
        } else {
            Frame::ExecutableFirst
        },
        stack_ref: stack_ref(image)?,
        current_frame: if has("PyThreadState", "frame")? {
            CurrentFrame::Object
        } else if has("PyThreadState", "current_frame")? {
            CurrentFrame::ThreadState
        } else {
            CurrentFrame::Cframe
        },
        line_table: if has("PyCodeObject", "co_lnotab")? {
            LineTable::Lnotab
        } else if frame_objects {
            LineTable::Ranges
        } else {
            LineTable::Locations
        },
        refcount: if free_threaded {
            Refcount::LocalAndShared
        } else {
            Refcount::OneNumber
        },
        immortal: if free_threaded {
            Immortal::RefLocal
        } else if has("PyObject", "ob_overflow")? {
            Immortal::Refcnt32AndFlags
        } else if has("PyObject", "ob_refcnt_split")? {
            Immortal::Refcnt32
        } else if frame_objects {
            Immortal::Never
        } else {
            Immortal::StaticRefcnt
        },
        static_types: if in_interpreter {
            StaticTypes::InterpreterState
        } else {
            StaticTypes::InType
        },
        exception_state: if has("PyThreadState", "current_exception")? {
            ExceptionState::CurrentException
        } else {
            ExceptionState::ThreeFields
        },
        gil: gil(image)?,
        pending_calls: if has("_PyRuntimeState", "ceval.pending_mainthread")? {
            PendingCalls::AnyThread
        } else {
            PendingCalls::MainThread
        },
        eval_breaker: eval_breaker(image)?,
        gc_lists: gc_lists(image)?,
    })
}

fn gil(image: &Image) -> Result<Gil> {
    if let Some(record) = image.record("_PyRuntimeState")?
        && image.field(record, "ceval.gil").is_some()
    {
        return Ok(Gil::Runtime);
    }
    if let Some(record) = image.record("PyInterpreterState")?
        && let Some(field) = image.field(record, "ceval.gil")
        && matches!(image.strip(field.target), Some(Type::Pointer(_)))
    {
        return Ok(Gil::Interpreter);
    }
    bail!("the interpreter lock is at no known place");
}

fn eval_breaker(image: &Image) -> Result<EvalBreaker> {
    let places = [
        ("PyThreadState", "eval_breaker", EvalBreaker::BitsOfThread),
        (
            "PyInterpreterState",
            "ceval.eval_breaker",
            EvalBreaker::FlagOfInterpreter,
        ),
        (
            "_PyRuntimeState",
            "ceval.eval_breaker",
            EvalBreaker::FlagOfRuntime,
        ),
    ];
    for (record, field, shape) in places {
        if let Some(record) = image.record(record)?
            && image.field(record, field).is_some()
        {
            return Ok(shape);
        }
    }
    bail!("the breaker of the evaluation loop is at no known place");
}

fn gc_lists(image: &Image) -> Result<GcLists> {
    if let Some(record) = image.record("PyObject")?
        && image.field(record, "ob_gc_bits").is_some()
    {
        return Ok(GcLists::MimallocSegments);
    }
    if let Some(record) = image.record("_gc_runtime_state")?
        && image.value(record, "length of generations")? == Some(3)
    {
        return Ok(GcLists::ThreeGenerations);
    }
    bail!("the collector keeps its objects in no known way");
}

/// What the slots of a frame are. The tags are macros, of which DWARF knows nothing.
fn stack_ref(image: &Image) -> Result<StackRef> {
    let Some(frame) = image.record("_PyInterpreterFrame")? else {
        // A frame is an object with plain pointers.
        return Ok(StackRef::Pointer);
    };
    let slot = image.field(frame, "localsplus").map(|field| field.target);
    let Some(Type::Array { element, .. }) = slot.and_then(|slot| image.strip(slot)) else {
        bail!("the variables of a frame are no array");
    };
    Ok(match image.strip(*element) {
        Some(Type::Pointer(_)) => StackRef::Pointer,
        // One tag bit is all that 3.13 has, whose frames do not say how deep their stack is
        // by a pointer.
        _ if image.field(frame, "stackpointer").is_none() => StackRef::OneTagBit,
        _ => StackRef::TwoTagBits,
    })
}
