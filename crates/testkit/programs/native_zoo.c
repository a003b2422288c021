/* An extension module whose types keep what they hold behind memory of their own, and whose
 * tp_traverse functions are good and bad. Compiled by the tests, for each interpreter. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Objects behind a block of memory, one in a word of the object, and one that has a name. */
typedef struct {
    PyObject_HEAD
    PyObject *label;
    PyObject *plain;
    PyObject **items;
    Py_ssize_t count;
} Holder;

static int output = -1;

static int visit_all(Holder *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->label);
    Py_VISIT(self->plain);
    for (Py_ssize_t i = 0; i < self->count; i++)
        Py_VISIT(self->items[i]);
    return 0;
}

static int crash(Holder *self, visitproc visit, void *arg)
{
    Py_VISIT(self->plain);
    *(volatile char *)8 = 1;
    return 0;
}

static int hang(Holder *self, visitproc visit, void *arg)
{
    for (;;)
        __asm__ volatile("" ::: "memory");
}

static int nonsense(Holder *self, visitproc visit, void *arg)
{
    /* Within the object, but not an object. */
    return visit((PyObject *)((char *)self + 8), arg);
}

static int speak(Holder *self, visitproc visit, void *arg)
{
    syscall(SYS_write, output, "heard", 5);
    return visit_all(self, visit, arg);
}

/* Leaves the text in `plain` out, as types do that know that it can't be in a cycle. */
static int leave_out(Holder *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->label);
    return 0;
}

static PyObject *new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *plain;
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    Holder *self;
    if (count < 1 || !(self = (Holder *)type->tp_alloc(type, 0)))
        return NULL;
    plain = PyTuple_GET_ITEM(args, 0);
    Py_INCREF(plain);
    self->plain = plain;
    self->items = malloc(sizeof(PyObject *) * count);
    for (Py_ssize_t i = 1; i < count; i++) {
        self->items[self->count] = PyTuple_GET_ITEM(args, i);
        Py_INCREF(self->items[self->count++]);
    }
    return (PyObject *)self;
}

static void forget(PyObject *self)
{
    /* Lives until the process ends. */
}

static PyMemberDef members[] = {
    {"label", T_OBJECT_EX, offsetof(Holder, label), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyObject *plain(Holder *self, void *closure)
{
    Py_INCREF(self->plain);
    return self->plain;
}

static PyGetSetDef plain_getset[] = {
    {"plain", (getter)plain, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyGetSetDef no_getset[] = {
    {NULL, NULL, NULL, NULL, NULL},
};

/* Adds a type whose name has the module before the dot. */
static int add_type(PyObject *module, const char *name, int size, PyType_Slot *slots)
{
    PyType_Spec spec = {
        .name = name,
        .basicsize = size,
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    PyObject *type = PyType_FromSpec(&spec);
    return type ? PyModule_AddObject(module, strchr(name, '.') + 1, type) : -1;
}

static int add(PyObject *module, const char *name, traverseproc traverse, PyGetSetDef *getset)
{
    PyType_Slot slots[] = {
        {Py_tp_getset, getset},
        {Py_tp_new, new},
        {Py_tp_dealloc, forget},
        {Py_tp_members, members},
        {Py_tp_traverse, traverse},
        {0, NULL},
    };
    return add_type(module, name, sizeof(Holder), slots);
}

/* Objects in words that only getters have names for. */
enum { FIELDS = 4 };

typedef struct {
    PyObject_HEAD
    PyObject *fields[FIELDS];
} Shown;

/* All but the last, which is for texts. */
static int visit_fields(Shown *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i + 1 < FIELDS; i++)
        Py_VISIT(self->fields[i]);
    return 0;
}

static PyObject *new_shown(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Shown *self = (Shown *)type->tp_alloc(type, 0);
    for (Py_ssize_t i = 0; self && i < PyTuple_GET_SIZE(args) && i < FIELDS; i++) {
        self->fields[i] = PyTuple_GET_ITEM(args, i);
        Py_INCREF(self->fields[i]);
    }
    return (PyObject *)self;
}

/* The closure is the number of the field. */
static PyObject *get_field(Shown *self, void *closure)
{
    PyObject *field = self->fields[(intptr_t)closure];
    if (!field) {
        PyErr_SetString(PyExc_AttributeError, "nothing");
        return NULL;
    }
    Py_INCREF(field);
    return field;
}

static PyObject *get_new(Shown *self, void *closure)
{
    return PyTuple_Pack(1, self->fields[0]);
}

/* Returns a field, and takes it out of the object. */
static PyObject *get_out(Shown *self, void *closure)
{
    PyObject *field = self->fields[2];
    self->fields[2] = NULL;
    return field;
}

static PyObject *get_crash(Shown *self, void *closure)
{
    *(volatile char *)8 = 1;
    return NULL;
}

static PyObject *get_hang(Shown *self, void *closure)
{
    for (;;)
        __asm__ volatile("" ::: "memory");
}

static PyObject *get_speak(Shown *self, void *closure)
{
    syscall(SYS_write, output, "heard", 5);
    return get_field(self, closure);
}

#define GETTER(name, function, field) {name, (getter)function, NULL, NULL, (void *)(intptr_t)field}
#define END {NULL, NULL, NULL, NULL, NULL}

static PyGetSetDef shown_getset[] = {
    GETTER("made", get_new, 0),
    GETTER("crashing", get_crash, 0),
    GETTER("speaking", get_speak, 2),
    GETTER("__special__", get_field, 1),
    GETTER("second", get_field, 1),
    GETTER("first", get_field, 0),
    GETTER("alias", get_field, 1),
    GETTER("text", get_field, 3),
    {"only_set", NULL, NULL, NULL, NULL},
    END,
};
static PyGetSetDef failing_getset[] = {
    GETTER("bad_1", get_crash, 0),
    GETTER("bad_2", get_speak, 0),
    GETTER("bad_3", get_crash, 0),
    GETTER("bad_4", get_speak, 0),
    GETTER("bad_5", get_crash, 0),
    GETTER("bad_6", get_speak, 0),
    GETTER("bad_7", get_crash, 0),
    GETTER("bad_8", get_speak, 0),
    GETTER("first", get_field, 0),
    END,
};
static PyGetSetDef hanging_getset[] = {
    GETTER("hanging", get_hang, 0),
    GETTER("first", get_field, 0),
    END,
};
static PyGetSetDef changing_getset[] = {
    GETTER("out", get_out, 0),
    GETTER("first", get_field, 0),
    END,
};

static int add_shown(PyObject *module, const char *name, PyGetSetDef *getset)
{
    PyType_Slot slots[] = {
        {Py_tp_new, new_shown},
        {Py_tp_dealloc, forget},
        {Py_tp_getset, getset},
        {Py_tp_traverse, visit_fields},
        {0, NULL},
    };
    return add_type(module, name, sizeof(Shown), slots);
}

static PyObject *leak(PyObject *module, PyObject *object)
{
    Py_INCREF(object);
    Py_RETURN_NONE;
}

static PyObject *speak_to(PyObject *module, PyObject *number)
{
    output = (int)PyLong_AsLong(number);
    Py_RETURN_NONE;
}

// A module that is called as one of the standard library, with a state that is no such one: one
// word, and no function that visits it.
static struct PyModuleDef namesake_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_csv",
    .m_size = sizeof(PyObject *),
};

static PyObject *namesake(PyObject *module, PyObject *object)
{
    PyObject *made = PyModule_Create(&namesake_definition);
    if (made) {
        Py_INCREF(object);
        *(PyObject **)PyModule_GetState(made) = object;
    }
    return made;
}

static PyMethodDef functions[] = {
    {"leak", leak, METH_O, "Keep an object alive without a pointer to it"},
    {"namesake", namesake, METH_O, "A module called _csv whose state holds an object"},
    {"speak_to", speak_to, METH_O, "Set the descriptor that Speaking writes to"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "native_zoo",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit_native_zoo(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (!module || add(module, "native_zoo.Holder", (traverseproc)visit_all, plain_getset) ||
        add(module, "native_zoo.Crashing", (traverseproc)crash, no_getset) ||
        add(module, "native_zoo.Hanging", (traverseproc)hang, no_getset) ||
        add(module, "native_zoo.Nonsense", (traverseproc)nonsense, no_getset) ||
        add(module, "native_zoo.Speaking", (traverseproc)speak, no_getset) ||
        add(module, "native_zoo.Leaving", (traverseproc)leave_out, no_getset) ||
        add_shown(module, "native_zoo.Shown", shown_getset) ||
        add_shown(module, "native_zoo.FailingToShow", failing_getset) ||
        add_shown(module, "native_zoo.HangingToShow", hanging_getset) ||
        add_shown(module, "native_zoo.Changing", changing_getset))
        return NULL;
    return module;
}
