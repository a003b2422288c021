/* A program that is not called Python and has one inside.
 *
 * Compiled with the path of libpython as LIBRARY, it loads that when it is told to start, as
 * application servers and office programs do; otherwise it is linked to it. It talks like the
 * Python programs here do: a line of JSON when it is ready, then one for each line that it reads.
 *
 * start    starts the interpreter, which then has 500 instances of `appserver.Request`
 * end      ends it
 * ping     answers "pong"
 */

#include <stdio.h>
#include <string.h>

static const char *PROGRAM =
    "import sys, types\n"
    "module = sys.modules['appserver'] = types.ModuleType('appserver')\n"
    "exec('''\n"
    "class Request:\n"
    "    def __init__(self, number):\n"
    "        self.number = number\n"
    "        self.headers = {'number': str(number)}\n"
    "\n"
    "requests = [Request(number) for number in range(500)]\n"
    "''', vars(module))\n";

#ifdef LIBRARY
#include <dlfcn.h>
static void (*initialize)(int);
static int (*finalize)(void);
static int (*run)(const char *, void *);

static int load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    initialize = (void (*)(int))dlsym(library, "Py_InitializeEx");
    finalize = (int (*)(void))dlsym(library, "Py_FinalizeEx");
    run = (int (*)(const char *, void *))dlsym(library, "PyRun_SimpleStringFlags");
    return initialize != NULL && finalize != NULL && run != NULL;
}
#else
void Py_InitializeEx(int);
int Py_FinalizeEx(void);
int PyRun_SimpleStringFlags(const char *, void *);
#define initialize Py_InitializeEx
#define finalize Py_FinalizeEx
#define run PyRun_SimpleStringFlags
static int load(void) { return 1; }
#endif

static int start(void)
{
    if (!load())
        return 0;
    initialize(0);
    return run(PROGRAM, NULL) == 0;
}

int main(void)
{
    char line[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("{}");
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (strcmp(line, "start") == 0)
            puts(start() ? "true" : "false");
        else if (strcmp(line, "end") == 0)
            puts(finalize() == 0 ? "true" : "false");
        else
            puts("\"pong\"");
    }
    return 0;
}
