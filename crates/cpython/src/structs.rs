//! The one list of the C structs and fields that the code reads.
//!
//! Names are C's. A struct or field that some of the supported builds lack stands under
//! `sometimes` or behind `?` and is an `Option`. `cargo xtask layouts` fills the tables from this list.

#![allow(non_camel_case_types)]

use crate::spec::structs;

structs! {
    always {
        // Heads of objects.
        py_object: PyObject { ob_type } ? {
            ob_refcnt,
            // Free-threaded.
            ob_tid, ob_gc_bits, ob_ref_local, ob_ref_shared,
        }
        py_var_object: PyVarObject { ob_size }
        py_gc_head: PyGC_Head { _gc_next, _gc_prev }

        // Types.
        py_type_object: PyTypeObject {
            ob_size, tp_name, tp_basicsize, tp_itemsize, tp_dealloc, tp_vectorcall_offset,
            tp_getattr, tp_setattr, tp_as_async, tp_repr, tp_as_number, tp_as_sequence,
            tp_as_mapping, tp_hash, tp_call, tp_str, tp_getattro, tp_setattro, tp_as_buffer,
            tp_flags, tp_doc, tp_traverse, tp_clear, tp_richcompare, tp_weaklistoffset,
            tp_iter, tp_iternext, tp_methods, tp_members, tp_getset, tp_base, tp_dict,
            tp_descr_get, tp_descr_set, tp_dictoffset, tp_init, tp_alloc, tp_new, tp_free,
            tp_is_gc, tp_bases, tp_mro, tp_cache, tp_subclasses, tp_weaklist, tp_del,
            tp_version_tag, tp_finalize, tp_vectorcall,
        } ? { tp_watched, tp_versions_used }
        py_heap_type_object: PyHeapTypeObject {
            ht_name, ht_slots, ht_qualname, ht_cached_keys,
        } ? {
            ht_module, _ht_tpname, _spec_cache_getitem = "_spec_cache.getitem",
            _spec_cache_init = "_spec_cache.init",
        }
        py_member_def: PyMemberDef { name, type_ = "type", offset, flags, doc }
        py_get_set_def: PyGetSetDef { name, get, set, doc, closure }
        py_method_def: PyMethodDef { ml_name, ml_meth, ml_flags, ml_doc }

        // Numbers and text.
        py_long_object: PyLongObject {
            ob_digit = "ob_digit | long_value.ob_digit",
        } ? { ob_size, lv_tag = "long_value.lv_tag" }
        py_float_object: PyFloatObject { ob_fval }
        py_complex_object: PyComplexObject { real = "cval.real", imag = "cval.imag" }
        py_bytes_object: PyBytesObject { ob_size, ob_shash, ob_sval }
        py_byte_array_object: PyByteArrayObject {
            ob_size, ob_alloc, ob_bytes, ob_start, ob_exports,
        } ? { ob_bytes_object }
        py_ascii_object: PyASCIIObject {
            length, hash, state,
            state_interned_bit = "bit of state.interned",
            state_interned_width = "width of state.interned",
            state_kind_bit = "bit of state.kind",
            state_kind_width = "width of state.kind",
            state_compact_bit = "bit of state.compact",
            state_ascii_bit = "bit of state.ascii",
        } ? {
            wstr,
            state_ready_bit = "bit of state.ready",
            state_statically_allocated_bit = "bit of state.statically_allocated",
        }
        py_compact_unicode_object: PyCompactUnicodeObject {
            utf8_length, utf8,
        } ? { wstr_length }
        py_unicode_object: PyUnicodeObject { data }

        // Containers.
        py_tuple_object: PyTupleObject { ob_size, ob_item }
        py_list_object: PyListObject { ob_size, ob_item, allocated }
        py_dict_object: PyDictObject { ma_used, ma_keys, ma_values } ? { ma_version_tag }
        py_dict_keys_object: PyDictKeysObject {
            dk_refcnt, dk_usable, dk_nentries, dk_indices,
        } ? {
            // The number of slots, up to 3.10.
            dk_size,
            dk_log2_size, dk_log2_index_bytes, dk_kind, dk_version,
        }
        py_dict_key_entry: PyDictKeyEntry { me_hash, me_key, me_value }
        py_set_object: PySetObject {
            fill, used, mask, table, hash, finger, smalltable, weakreflist,
            smalltable_length = "length of smalltable",
        }
        set_entry: setentry { key, hash }
        py_slice_object: PySliceObject { start, stop, step }
        deque_object: dequeobject {
            ob_size, leftblock, rightblock, leftindex, rightindex, maxlen, weakreflist,
        } ? { numfreeblocks, freeblocks }
        deque_block: BLOCK = "BLOCK @ _collectionsmodule.c" {
            leftlink, data, rightlink, data_length = "length of data",
        }
        py_o_dict_object: PyODictObject {
            od_first, od_last, od_fast_nodes, od_fast_nodes_size, od_resize_sentinel,
            od_state, od_inst_dict, od_weakreflist,
        }
        o_dict_node: _odictnode { key, hash, next, prev }
        def_dict_object: defdictobject { default_factory }
        py_hamt_object: PyHamtObject { h_root, h_weakreflist, h_count }
        py_hamt_node_bitmap: PyHamtNode_Bitmap { ob_size, b_bitmap, b_array }
        py_hamt_node_array: PyHamtNode_Array {
            a_array, a_count, a_array_length = "length of a_array",
        }
        py_hamt_node_collision: PyHamtNode_Collision { ob_size, c_hash, c_array }
        array_object: arrayobject { ob_size, ob_item, allocated, ob_descr, weakreflist }
        array_descr: arraydescr { typecode, itemsize }
        py_memory_view_object: PyMemoryViewObject {
            mbuf, flags, exports, view_obj = "view.obj", view_buf = "view.buf",
            view_len = "view.len", view_ndim = "view.ndim", weakreflist, ob_array,
        }
        py_managed_buffer_object: _PyManagedBufferObject {
            flags, exports, master_obj = "master.obj", master_buf = "master.buf",
            master_len = "master.len",
        }

        // Code, functions and their relatives.
        py_code_object: PyCodeObject {
            co_consts, co_names, co_flags, co_argcount, co_posonlyargcount,
            co_kwonlyargcount, co_stacksize, co_firstlineno, co_nlocals, co_filename, co_name,
            co_linetable = "co_linetable | co_lnotab", co_weakreflist, co_extra,
        } ? {
            // Up to 3.10, a tuple of names for each sort of variable.
            co_varnames, co_cellvars, co_freevars,
            // Up to 3.10, what the size of a code object counts beside itself.
            co_code, co_cell2arg, co_opcache, co_opcache_size,
            ob_size, co_exceptiontable, co_nlocalsplus, co_ncellvars, co_nfreevars,
            co_localsplusnames, co_localspluskinds, co_qualname, co_code_adaptive,
            _co_firsttraceable,
            co_nplaincellvars, co_framesize, _co_code, _co_cached, co_executors, _co_monitoring,
        }
        py_function_object: PyFunctionObject {
            func_globals, func_name, func_qualname, func_code, func_defaults, func_kwdefaults,
            func_closure, func_doc, func_dict, func_weakreflist, func_module, func_annotations,
        } ? { func_builtins, func_version, func_typeparams }
        py_c_function_object: PyCFunctionObject { m_ml, m_self, m_module, m_weakreflist }
        py_method_object: PyMethodObject { im_func, im_self, im_weakreflist }
        py_module_object: PyModuleObject { md_dict, md_state, md_weaklist, md_name } ? {
            md_def,
            // From 3.15 a module need not have a definition, but if it has, the token is it.
            md_token, md_token_is_def, md_state_size,
        }
        py_module_def: PyModuleDef {
            m_name, m_size, m_traverse, m_base_m_copy = "m_base.m_copy",
        }
        py_cell_object: PyCellObject { ob_ref }
        py_descr_object: PyDescrObject { d_type, d_name, d_qualname }
        property_object: propertyobject { prop_get, prop_set, prop_del, prop_doc }
        partial_object: partialobject { fn_ = "fn", args, kw, dict, weakreflist }
        lru_cache_object: lru_cache_object { root, cache, func, dict } ? { weakreflist, maxsize }
        lru_list_elem: lru_list_elem { prev, next, hash, key, result }
        py_weak_reference: PyWeakReference {
            wr_object, wr_callback, hash, wr_prev, wr_next,
        }
        py_capsule: PyCapsule {
            pointer, name, context,
        } ? { traverse_func, clear_func }
        mapping_proxy_object: mappingproxyobject { mapping }

        // Frames and generators.
        py_frame_object: PyFrameObject {
            f_back, f_trace, f_lineno,
        } ? {
            f_frame, _f_frame_data, f_extra_locals, f_locals_cache,
            // Up to 3.10, what is `_PyInterpreterFrame` later.
            f_code, f_builtins, f_globals, f_locals, f_valuestack, f_stacktop, f_stackdepth,
            f_gen, f_lasti, f_executing, f_state, f_localsplus,
        }
        py_gen_object: PyGenObject {
            gi_weakreflist, gi_name, gi_qualname, gi_exc_state_exc_value = "gi_exc_state.exc_value",
            gi_exc_state_previous_item = "gi_exc_state.previous_item",
        } ? { gi_code, gi_frame, gi_origin_or_finalizer, gi_frame_state, gi_iframe }
        py_traceback_object: PyTracebackObject { tb_next, tb_frame, tb_lasti, tb_lineno }
        py_base_exception_object: PyBaseExceptionObject {
            dict, args, traceback, context, cause, suppress_context,
        } ? { notes }

        // Context variables.
        py_context: PyContext { ctx_prev, ctx_vars, ctx_weakreflist, ctx_entered }
        py_context_var: PyContextVar { var_name, var_default } ? { var_cached }
        py_context_token: PyContextToken { tok_ctx, tok_var, tok_oldval }

        // `threading.local`.
        local_object: localobject {
            args, kw, weakreflist,
        } ? { key, dummies, wr_callback, localdicts, thread_watchdogs }
        local_dummy_object: localdummyobject { weakreflist } ? { localdict }

        // The state of the interpreter.
        py_runtime_state: _PyRuntimeState {
            preinitialized, core_initialized, initialized,
            _finalizing = "_finalizing | finalizing",
            interpreters_head = "interpreters.head",
            interpreters_main = "interpreters.main",
            gilstate_auto_interpreter_state = "gilstate.autoInterpreterState",
            main_thread,
            // Audit hooks in C, a list.
            audit_hook_head = "audit_hook_head | audit_hooks.head",
        } ? {
            // Up to 3.11 all interpreters share the lock, which lies here.
            ceval_gil = "ceval.gil",
            // Up to 3.8 so do they the ring of pending calls, and what makes threads look at it.
            ceval_pending = "ceval.pending", ceval_eval_breaker = "ceval.eval_breaker",
            ceval_gil_drop_request = "ceval.gil_drop_request",
            // From 3.12, the ring that only the main thread serves.
            ceval_pending_mainthread = "ceval.pending_mainthread",
            // Up to 3.8 so do they the collector.
            gc,
            // A hash table of the static strings, from 3.12.
            cached_objects_interned_strings = "cached_objects.interned_strings",
            static_objects, global_objects, static_objects_singletons = "static_objects.singletons",
            types_managed_static_types = "types.managed_static.types",
            types_managed_static_types_length = "length of types.managed_static.types",
            // Whether each block of the allocators has words around it, against overruns.
            allocators_is_debug_enabled = "allocators.is_debug_enabled",
            stoptheworld_requested = "stoptheworld.requested",
        }
        py_interpreter_state: PyInterpreterState {
            next, id, threads_head = "threads.head | tstate_head", finalizing,
            modules = "modules | imports.modules",
            modules_by_index = "modules_by_index | imports.modules_by_index",
            importlib = "importlib | imports.importlib",
            import_func = "import_func | imports.import_func",
            sysdict, builtins, dict, builtins_copy,
            codec_search_path = "codec_search_path | codecs.search_path",
            codec_search_cache = "codec_search_cache | codecs.search_cache",
            codec_error_registry = "codec_error_registry | codecs.error_registry",
            before_forkers, after_forkers_parent, after_forkers_child, audit_hooks,
            co_extra_user_count, eval_frame,
        } ? {
            runtime, gc,
            atexit_callbacks = "atexit.callbacks", atexit_ncallbacks = "atexit.ncallbacks",
            // Entries own their names and borrow their values.
            type_cache = "type_cache.hashtable | types.type_cache.hashtable",
            type_cache_length = "length of type_cache.hashtable | length of types.type_cache.hashtable",
            // In 3.10, what is first in it is the empty tuple.
            tuple_free_list = "tuple.free_list",
            // Up to 3.10, from 3.9; before, a static variable.
            small_ints, small_ints_length = "length of small_ints",
            unicode_ids_size = "unicode.ids.size", unicode_ids_array = "unicode.ids.array",
            _initial_thread,
            sysdict_copy,
            // A pointer, from 3.12.
            ceval_gil = "ceval.gil",
            // From 3.9.
            ceval_pending = "ceval.pending",
            // Up to 3.12; each thread has its own after that.
            ceval_eval_breaker = "ceval.eval_breaker",
            ceval_gil_drop_request = "ceval.gil_drop_request",
            // From 3.14: whether others may ask for the run of a script.
            config_remote_debug = "config.remote_debug",
            interned_strings = "cached_objects.interned_strings",
            threads_main = "threads_main | threads.main",
            // `static_builtin_state[]`, from 3.12.
            types_builtins = "types.builtins.initialized | types.builtins",
            types_builtins_length = "length of types.builtins.initialized | length of types.builtins",
            types_for_extensions = "types.for_extensions.initialized",
            types_for_extensions_length = "length of types.for_extensions.initialized",
            monitoring_callables, monitoring_tool_names,
            dict_state, xidregistry_head = "xidregistry.head | xi.registry.head",
            stoptheworld_requested = "stoptheworld.requested",
            // Free-threaded: where the memory of threads that have ended waits.
            mimalloc_abandoned = "mimalloc.abandoned_pool.abandoned",
            mimalloc_abandoned_visited = "mimalloc.abandoned_pool.abandoned_visited",
            mimalloc_subproc = "mimalloc.subproc",
        }
        py_thread_state: PyThreadState {
            prev, next, interp, thread_id, id, exc_info,
            exc_state_exc_value = "exc_state.exc_value",
            exc_state_previous_item = "exc_state.previous_item",
            dict, context, async_exc, async_gen_firstiter, async_gen_finalizer,
            c_profileobj, c_traceobj,
            delete_later = "trash_delete_later | trash.delete_later | delete_later",
        } ? {
            native_thread_id, datastack_chunk, datastack_top, datastack_limit,
            // Up to 3.10: the innermost frame, an object.
            frame,
            cframe, current_frame, current_exception, curexc_type, curexc_value,
            curexc_traceback, previous_executor, threading_local_key, threading_local_sentinel,
            trace_info_code = "trace_info.code", eval_breaker, state,
            // From 3.14: the script that somebody wants to be run.
            debugger_pending_call = "remote_debugger_support.debugger_pending_call",
            debugger_script_path = "remote_debugger_support.debugger_script_path",
            debugger_script_path_length =
                "length of remote_debugger_support.debugger_script_path",
        }
        py_err_stack_item: _PyErr_StackItem { exc_value, previous_item }
        gc_runtime_state: _gc_runtime_state {
            // Free-threaded from 3.14, the first of the lists, which all stay empty.
            generations = "generations | young",
            permanent_generation, enabled, debug, collecting, garbage, callbacks,
        } ? { generation0, generations_length = "length of generations", trash_delete_later }
        gc_generation: gc_generation { head, threshold, count }
        gil_runtime_state: _gil_runtime_state {
            last_holder, locked, switch_number, interval, mutex, switch_mutex,
        } ? {
            // Free-threaded: above 0 while a module needs the lock all the same.
            enabled,
        }
        // Functions that a thread is to call when it next looks.
        pending_calls: _pending_calls {
            lock = "lock | mutex", calls, calls_length = "length of calls", first,
            // The first that is free.
            last = "last | next",
        } ? {
            // Up to 3.8.
            finishing,
            // Up to 3.12: whether there are any, and whether a thread has an exception waiting.
            calls_to_do, async_exc,
            // Whether one is being called: 3.12, and the thread that does, from 3.13.
            busy, handling_thread,
            // From 3.13: how many there are, and how many there may be.
            npending, max,
        }
    }
    sometimes {
        // 3.9+
        py_c_method_object: PyCMethodObject { mm_class }
        // 3.11+: entries of keys that are all strings, and the values of instances.
        py_dict_unicode_entry: PyDictUnicodeEntry { me_key, me_value }
        py_dict_values: PyDictValues {
            values,
        } ? { capacity, entries = "size", embedded, valid }
        // Up to 3.10: what a code object remembers of each of its instructions that looks up
        // a global.
        py_opcache: _PyOpcache {}
        // 3.11+: a frame that is no object.
        py_interpreter_frame: _PyInterpreterFrame {
            f_globals, f_builtins, f_locals, frame_obj, previous, owner, localsplus,
            // The code object; in 3.13 the field may hold another object as well.
            f_executable = "f_executable | f_code",
            // The function; borrowed or not, depends on the version.
            f_funcobj = "f_funcobj | f_func",
        } ? {
            prev_instr, instr_ptr, is_entry, return_offset,
            // How many slots are in use, or from 3.14 a pointer to the first that is not.
            stacktop, stackpointer,
        }
        stack_chunk: _PyStackChunk { previous, size_ = "size", top, data }
        py_async_gen_object: PyAsyncGenObject {} ? { ag_origin_or_finalizer }
        type_cache_entry: type_cache_entry { version, name, value }
        atexit_callback: atexit_callback = "atexit_py_callback | atexit_callback" {
            func,
        } ? { args, kwargs }
        // Up to 3.9 the module `atexit` has them in its state.
        atexit_module_state: atexitmodule_state { atexit_callbacks, ncallbacks }
        // Up to 3.12, between a thread and its frame.
        py_c_frame: _PyCFrame { current_frame, previous } ? { use_tracing }
        // 3.12+: what a code object caches of itself.
        py_co_cached: _PyCoCached { _co_code, _co_varnames, _co_cellvars, _co_freevars }
        // 3.12+: where static types keep what each interpreter has for itself.
        static_type_state: static_type_state = "managed_static_type_state | static_builtin_state" {
            type_ = "type", readying, ready, tp_dict, tp_subclasses, tp_weaklist,
        } ? { isbuiltin }
        // 3.13+: the whole state of a thread, of which `PyThreadState` is the head.
        py_thread_state_impl: _PyThreadStateImpl { base } ? {
            asyncio_running_loop,
            // Free-threaded: the thread's heaps, and objects that wait until it adds up
            // their two counts.
            mimalloc_heaps = "mimalloc.heaps",
            mimalloc_heaps_length = "length of mimalloc.heaps",
            mimalloc_tld = "mimalloc.tld",
            brc_objects_to_merge = "brc.objects_to_merge.head",
            brc_local_objects_to_merge = "brc.local_objects_to_merge.head",
        }
        object_stack_chunk: _PyObjectStackChunk { prev, n, objs, objs_length = "length of objs" }
        // Free-threaded: the allocator, whose pages are searched for objects.
        mi_heap: mi_heap_s { tld, thread_delayed_free }
        mi_segment: mi_segment_s {
            used, segment_slices, segment_info_slices, slice_entries, slices,
            slices_length = "length of slices",
        } ? {
            // How it belongs to an interpreter when its thread has ended: in a list up to
            // mimalloc 2.1.2, by a pointer in 2.5.2.
            abandoned_next, subproc,
        }
        mi_page: mi_page_s {
            slice_count, slice_offset, capacity, free, used, local_free, xthread_free, xheap,
            block_size = "block_size | xblock_size",
        } ? {
            // Up to mimalloc 2.1.2, a bit field; the first block's place follows from the
            // size of the blocks.
            tag_bit = "bit of tag", tag_width = "width of tag",
            // mimalloc 2.5.2.
            heap_tag, page_start,
        }
        thread_handle: ThreadHandle { ident, os_handle, once }
        // 3.13+: offsets that the interpreter publishes of itself.
        debug_offsets: _Py_DebugOffsets { cookie, version, free_threaded }

        // Extension modules of the standard library.
        element_object: ElementObject { tag, text, tail, extra }
        element_object_extra: ElementObjectExtra { attrib, length, allocated, children, _children }
        pickler_object: PicklerObject { memo, output_buffer }
        unpickler_object: UnpicklerObject {
            memo, memo_size, memo_len, stack, input_line, encoding, errors, marks, marks_size,
        }
        py_memo_table: PyMemoTable { mt_mask, mt_used, mt_allocated, mt_table }
        py_memo_entry: PyMemoEntry { me_key, me_value }
        pdata: Pdata { ob_size, data, allocated }
        tee_data_object: teedataobject {
            it, numread, nextlink, values, values_length = "length of values",
        }
        element_iter_object: ElementIterObject {
            parent_stack, parent_stack_used, root_element, sought_tag,
        }
        parent_locator: ParentLocator { parent, child_index }
        xml_parse_object: xmlparseobject { handlers, intern }
        simple_queue_object: simplequeueobject {} ? {
            lst,
            // A ring, from 3.13.
            items = "buf.items", items_cap = "buf.items_cap", get_idx = "buf.get_idx",
            num_items = "buf.num_items",
        }
        product_object: productobject { pools, indices }
        combinations_object: combinationsobject { indices, r }
        cwr_object: cwrobject { indices, r }
        permutations_object: permutationsobject { pool, indices, cycles, r }
        // Up to 3.10 the callbacks are objects, which the tables list.
        pysqlite_connection: pysqlite_Connection {} ? { trace_ctx, progress_ctx, authorizer_ctx }
        callback_context: callback_context = "callback_context | _callback_context" {
            callable, module,
        }
        // What a type of ctypes knows of its instances: its dictionary up to 3.12, data
        // behind the type from 3.13.
        stg_dict_object: StgDictObject {
            format, ndim, length, ffi_elements = "ffi_type_pointer.elements",
        }
        stg_info: StgInfo {
            format, ndim, length, ffi_elements = "ffi_type_pointer.elements", proto, argtypes,
            converters, restype, checker, module,
        } ? { pointer_type }
        zone_info: PyZoneInfo_ZoneInfo { num_transitions, num_ttinfos, _ttinfos, fixed_offset }
        // 3.13+: the zones used last, in a list of the module's state.
        zoneinfo_state: zoneinfo_state { strong_cache = "ZONEINFO_STRONG_CACHE" }
        strong_cache_node: StrongCacheNode = "StrongCacheNode | _StrongCacheNode" { next, key, zone }
        tt_info: _ttinfo { utcoff, dstoff, tzname, utcoff_seconds }
        // 3.12+: a compiled template of `re.sub`, with its items behind it.
        template_object: TemplateObject { ob_size, chunks, literal, items }
        bytes_io: bytesio { buf }
        buffered: buffered { buffer, buffer_size }
        // 3.13+: the tables of signals and conditions; static before.
        decimal_state: decimal_state { signal_map, cond_map }
        dec_cond_map: DecCondMap { fqname, ex }
        py_dec_object: PyDecObject { dec_flags = "dec.flags", dec_alloc = "dec.alloc" }
        py_struct_object: PyStructObject { s_len, s_codes }
        format_code: formatcode = "_formatcode | formatcode" { size_ = "size" }
    }
}
