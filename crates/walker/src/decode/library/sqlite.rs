//! `sqlite3.Connection`: callbacks lie in contexts of their own.

use crate::reader::Reader;
use crate::sink::{Sink, Step};
use exuvia_memory::{Fault, Memory, RemoteAddress};

pub(in crate::decode) fn connection<M: Memory>(
    reader: &mut Reader<'_, M>,
    object: RemoteAddress,
    sink: &mut impl Sink,
) -> Result<(), Fault> {
    let structs = &reader.layout.structs;
    let names = reader.names;
    let (Some(connection), Some(context)) =
        (&structs.pysqlite_connection, &structs.callback_context)
    else {
        return Ok(());
    };
    let contexts = [
        (connection.trace_ctx, names.trace_ctx),
        (connection.progress_ctx, names.progress_ctx),
        (connection.authorizer_ctx, names.authorizer_ctx),
    ];
    for (offset, name) in contexts {
        let Some(offset) = offset else { continue };
        let at = reader.cache.pointer(object.offset(offset))?;
        if !at.is_null() {
            let callable = reader.cache.pointer(at.offset(context.callable))?;
            sink.own(callable, Step::Interior(name));
            let module = reader.cache.pointer(at.offset(context.module))?;
            sink.own(module, Step::Interior(name));
        }
    }
    Ok(())
}
