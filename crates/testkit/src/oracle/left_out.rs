//! What extension types own without visiting it in `tp_traverse`.
//!
//! Each entry is from the source of the library that it names. The references that it allows for
//! must also fit into the reference counts of what they lead to where they are words, which no
//! table names.

/// References that the `tp_traverse` of extension types leaves out, although they are there.
pub(super) struct LeftOut {
    /// Types, with all that derive from them: `numpy.ndarray`. A `*` stands for any text. Modules
    /// are written as `module NAME`.
    pub(super) of: &'static [&'static str],
    /// The relations, as groups print them; `*` as above.
    pub(super) details: &'static [&'static str],
    /// The types of what is referred to; `*` as above.
    pub(super) to: &'static [&'static str],
    /// Which code leaves it out, and why the reference is there.
    pub(super) reason: &'static str,
}

impl LeftOut {
    /// What a part of it is called where it is told which ones nothing needs.
    pub(super) fn part(&self, sort: &str, part: &str) -> String {
        format!("left out of {}: {sort} {part}", self.of[0])
    }

    /// All parts.
    pub(super) fn parts(&self) -> impl Iterator<Item = String> {
        let sorts = [
            ("type", self.of),
            ("relation", self.details),
            ("to", self.to),
        ];
        sorts
            .into_iter()
            .flat_map(move |(sort, parts)| parts.iter().map(move |part| self.part(sort, part)))
    }
}

const STR: &[&str] = &["builtins.str"];
const CYTHON_FUNCTION: &[&str] = &[
    "_cython_*.cython_function_or_method",
    "builtins.cython_function_or_method",
];

pub(super) const LEFT_OUT: &[LeftOut] = &[
    LeftOut {
        of: &["numpy.ndarray"],
        details: &[".base", ".dtype", "->mem_handler"],
        to: &[
            "*.MaskedArray",
            "builtins.PyCapsule",
            "numpy.dtype*",
            "numpy.ndarray",
        ],
        reason: "numpy: ndarray has no tp_traverse, so that subtype_traverse of its subclasses \
                 visits neither base, descr nor mem_handler, which array_dealloc releases",
    },
    LeftOut {
        of: &["numpy.ufunc"],
        details: &["->_loops"],
        to: &["builtins.list", "builtins.dict"],
        reason: "numpy: ufunc_traverse visits obj, identity_value and dict; ufunc_dealloc releases \
                 _loops as well",
    },
    LeftOut {
        of: &["greenlet.greenlet"],
        details: &[".gr_frame"],
        to: &["builtins.frame"],
        reason: "greenlet: green_traverse leaves out the frames of a greenlet that can go on, as \
                 its comment says; the evaluation loop that the saved stack holds owns them",
    },
    LeftOut {
        of: &["google._upb._message.Message", MESSAGE_MAP],
        details: &["->arena"],
        to: &["google._upb._message.Arena"],
        reason: "protobuf: messages and containers have no tp_traverse of their own; \
                 PyUpb_Message_Dealloc and PyUpb_MapContainer_Dealloc release the arena",
    },
    LeftOut {
        of: &["google._upb._message.Descriptor"],
        details: &["->refs[i]"],
        to: &["google._upb._message.DescriptorPool"],
        reason: "protobuf: PyUpb_Descriptor_Traverse visits message_meta only; pool is commented \
                 with `We own a ref`",
    },
    LeftOut {
        of: &[
            "google._upb._message.Descriptor",
            "google._upb._message.DescriptorPool",
        ],
        details: HEAP_TYPE,
        to: &["builtins.type"],
        reason: "protobuf: the traversal of Descriptor and DescriptorPool leaves the type out, \
                 which PyUpb_Dealloc releases",
    },
    LeftOut {
        of: &["module google._upb._message"],
        details: &["->word[*]"],
        to: &["builtins.type", "builtins.builtin_function_or_method"],
        reason: "protobuf: module_def has no m_traverse; PyUpb_ModuleState owns the classes that \
                 are no attributes of the module, and listfields_item_key",
    },
    LeftOut {
        of: CYTHON_FUNCTION,
        details: &[".func_name", "->word[8]", "->word[9]", "->word[10]"],
        to: STR,
        reason: "Cython: __Pyx_CyFunction_traverse passes func_name and func_qualname to \
                 __Pyx_VISIT_CONST, which does nothing",
    },
    LeftOut {
        of: CYTHON_FUNCTION,
        details: &[".func_code"],
        to: &["builtins.code"],
        reason: "Cython: __Pyx_CyFunction_traverse passes func_code to __Pyx_VISIT_CONST, which \
                 does nothing",
    },
    LeftOut {
        of: CYTHON_FUNCTION,
        details: &["->word[20]", "->word[22]"],
        to: &["builtins.dict"],
        reason: "Cython up to 3.2.4: __Pyx_CyFunction_traverse does not visit func_annotations, \
                 which __Pyx_CyFunction_clear releases",
    },
    LeftOut {
        of: CYTHON_FUNCTION,
        details: HEAP_TYPE,
        to: &["_cython_*._common_types_metatype"],
        reason: "Cython: __Pyx_call_type_traverse is 0 without CYTHON_USE_TYPE_SPECS, but the \
                 functions' type is made from a spec in any case",
    },
    LeftOut {
        of: &[
            "pandas.Interval",
            "pandas.Period",
            "pandas.Timedelta",
            "pandas.Timestamp",
            "pandas.api.typing.NaTType",
        ],
        details: HEAP_TYPE,
        to: &["builtins.type"],
        reason: "Cython: __Pyx_call_type_traverse is 0 without CYTHON_USE_TYPE_SPECS; \
                 subtype_traverse leaves the type to the base, which is a heap type",
    },
    LeftOut {
        of: &["pandas.Interval", "pandas._libs.interval.Interval"],
        details: &[".closed"],
        to: STR,
        reason: "Cython does not visit members that can't be part of a cycle: `closed` is a str",
    },
    LeftOut {
        of: &["pandas._libs.indexing.NDFrameIndexerBase"],
        details: &[".name"],
        to: STR,
        reason: "Cython does not visit members that can't be part of a cycle: `name` is a str",
    },
    LeftOut {
        of: &["*._memoryviewslice"],
        details: &["->word[20]", "->word[21]"],
        to: &["*.memoryview", "*._memoryviewslice"],
        reason: "Cython: _memoryviewslice does not visit from_slice.memview, which \
                 __Pyx_INC_MEMVIEW has counted",
    },
    LeftOut {
        of: &["charset_normalizer.md.CharInfo"],
        details: &[".character", ".unaccented"],
        to: STR,
        reason: "Cython does not visit members that can't be part of a cycle: `character` and \
                 `unaccented` are texts",
    },
    LeftOut {
        of: &["pyarrow.lib.ChunkedArray"],
        details: &["->buffers[*]"],
        to: &["ray._raylet.SubBuffer"],
        reason: "pyarrow: nothing traverses what is behind a shared_ptr of C++; arrow::py::PyBuffer \
                 owns the object whose memory it shows",
    },
    LeftOut {
        of: &["lxml.etree._Document"],
        details: &["->word[4]"],
        to: &["builtins.NoneType"],
        reason: "Cython does not visit members that can't be part of a cycle: `_prefix_tail` is \
                 bytes or None",
    },
    LeftOut {
        of: &["lxml.etree.XPath"],
        details: &["->word[8]"],
        to: &["builtins.bytes"],
        reason: "Cython does not visit members that can't be part of a cycle: `_path` is bytes",
    },
    LeftOut {
        of: &["lxml.etree._NamespaceRegistry"],
        details: &["->word[4]"],
        to: &["builtins.bytes"],
        reason: "Cython does not visit members that can't be part of a cycle: `_ns_uri_utf` is \
                 bytes",
    },
    LeftOut {
        of: &["sqlalchemy.sql._cache_key_cy.AttrInfo"],
        details: &["->word[3]"],
        to: STR,
        reason: "Cython does not visit members that can't be part of a cycle: `name` is a str",
    },
    LeftOut {
        of: &["_cffi_backend.CType"],
        details: &["->ct_unique_key"],
        to: &["builtins.bytes"],
        reason: "cffi: ctypedescr_traverse does not visit ct_unique_key, which \
                 ctypedescr_dealloc releases",
    },
    LeftOut {
        of: &["_cffi_backend._CDataBase"],
        details: &["->c_type"],
        to: &["_cffi_backend.CType"],
        reason: "cffi: cdataowninggc_traverse, cdatafrombuf_traverse and cdatagcp_traverse do not \
                 visit c_type, which cdata_dealloc releases",
    },
    LeftOut {
        of: &["pydantic_core._pydantic_core.SchemaValidator"],
        details: &[".title"],
        to: STR,
        reason: "pydantic-core: __traverse__ of SchemaValidator does not visit title, a \
                 Py<PyAny> that Python code reads",
    },
    LeftOut {
        of: &[
            "pydantic_core._pydantic_core.SchemaSerializer",
            "pydantic_core._pydantic_core.SchemaValidator",
        ],
        details: &["->word[*]"],
        to: &[
            "builtins.NoneType",
            "builtins.str",
            "builtins.type",
            "pydantic_core._pydantic_core.PydanticUndefinedType",
        ],
        reason: "pydantic-core: py_gc_traverse leaves out names, defaults and classes that the \
                 validators and serializers of Rust hold; rustc orders the fields",
    },
    LeftOut {
        of: &["pydantic_core._pydantic_core.ValidationError"],
        details: &[".title"],
        to: STR,
        reason: "pydantic-core: __traverse__ of ValidationError visits its errors, and not title, \
                 a Py<PyAny>",
    },
    LeftOut {
        of: &["pybind11_builtins.pybind11_static_property"],
        details: HEAP_TYPE,
        to: &["builtins.type"],
        reason: "pybind11: make_static_property_type makes a heap type by hand, which inherits \
                 property_traverse",
    },
    LeftOut {
        of: &["torch._C._TensorBase"],
        details: &["->ob_type", ".__dict__", "->word[4]"],
        to: &[
            "builtins.dict",
            "collections.OrderedDict",
            "torch._C._TensorMeta",
            "torch.nn.parameter._ParameterMeta",
        ],
        reason: "PyTorch: THPVariable_subclass_traverse visits nothing of a tensor that C++ \
                 refers to as well (isResurrectable): class, dictionary, backward_hooks",
    },
    LeftOut {
        of: &["torch._C._TensorBase"],
        details: &[".grad"],
        to: &["torch.Tensor"],
        reason: "PyTorch: THPVariable_subclass_traverse does not visit the gradient; its tensor in \
                 C++ owns the object of Python, as a bit in its pointer to it says",
    },
];

/// The type of an object, to which each instance of a heap type owns a reference.
const HEAP_TYPE: &[&str] = &["->ob_type"];
const MESSAGE_MAP: &str = "google._upb._message.MessageMapContainer";
