//! Behaviour that changed between versions and shows in no struct.

use crate::{Layout, Version};

/// Attributes of the `types` module for types that the `builtins` module does not name: the
/// last in alphabetical order where a type has several. Types that carry `types` in their
/// own name are not here.
const TYPES_ALIASES: &[(&str, &str)] = &[
    ("async_generator", "AsyncGeneratorType"),
    ("builtin_function_or_method", "BuiltinMethodType"),
    ("cell", "CellType"),
    ("classmethod_descriptor", "ClassMethodDescriptorType"),
    ("code", "CodeType"),
    ("coroutine", "CoroutineType"),
    ("frame", "FrameType"),
    ("generator", "GeneratorType"),
    ("getset_descriptor", "GetSetDescriptorType"),
    ("mappingproxy", "MappingProxyType"),
    ("member_descriptor", "MemberDescriptorType"),
    ("method", "MethodType"),
    ("method-wrapper", "MethodWrapperType"),
    ("method_descriptor", "MethodDescriptorType"),
    ("traceback", "TracebackType"),
    ("wrapper_descriptor", "WrapperDescriptorType"),
];

/// Those that came later, and the first version with them.
const LATER_ALIASES: &[(Version, &str, &str)] = &[
    (Version::new(3, 10, 0), "NoneType", "NoneType"),
    (
        Version::new(3, 10, 0),
        "NotImplementedType",
        "NotImplementedType",
    ),
    (Version::new(3, 10, 0), "ellipsis", "EllipsisType"),
    // 3.13 only makes it when asked.
    (Version::new(3, 14, 0), "PyCapsule", "CapsuleType"),
    (Version::new(3, 14, 0), "typing.Union", "UnionType"),
    (
        Version::new(3, 15, 0),
        "FrameLocalsProxy",
        "FrameLocalsProxyType",
    ),
    (Version::new(3, 15, 0), "lazy_import", "LazyImportType"),
];

impl Layout {
    /// The attribute of the `types` module under which a static type is known.
    pub fn types_alias(&self, tp_name: &str) -> Option<&'static str> {
        let always = TYPES_ALIASES
            .iter()
            .find(|(name, _)| *name == tp_name)
            .map(|&(_, alias)| alias);
        let later = || {
            let mut later = LATER_ALIASES.iter();
            later.find(|(since, name, _)| *name == tp_name && self.version >= *since)
        };
        always.or_else(|| later().map(|&(.., alias)| alias))
    }

    /// Whether `sys.getsizeof` of a static type counts a collector's header that it has not.
    /// Up to 3.10 it asks the object, in 3.11 and 3.12 the metaclass; later ones know better
    /// of the types whose metaclass is `type` itself, `of_type`, and of no others.
    pub fn counts_header_of_static_types(&self, of_type: bool) -> bool {
        let first = Version::new(3, 11, 0);
        let last = Version::new(3, 13, 0);
        self.version >= first && (self.version < last || !of_type)
    }

    /// Whether `int.__sizeof__` of zero counts the digit that is there all the same: from
    /// 3.11 on.
    pub fn counts_digit_of_zero(&self) -> bool {
        self.version >= Version::new(3, 11, 0)
    }

    /// Whether every static type that has instances was made ready. Up to 3.10 some never
    /// are, such as that of the iterators of `memoryview`.
    pub fn readies_every_type(&self) -> bool {
        self.version >= Version::new(3, 11, 0)
    }

    /// Whether `_queue.SimpleQueue` has a `__sizeof__` that counts its ring.
    pub fn counts_ring_of_simple_queue(&self) -> bool {
        self.version >= Version::new(3, 15, 0)
    }
}
