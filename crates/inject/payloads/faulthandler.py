# Lets the process write the Python stacks of all threads to its stderr if it crashes.
#
# It stays enabled. `-- dump` prints these stacks now instead, as the handler would, and `-- disable`
# ends it: `exuvia exec PID @faulthandler -- dump`.
import sys
import faulthandler


def dump():
    import os

    # The handler writes to descriptors only.
    file = os.memfd_create("stacks")
    try:
        faulthandler.dump_traceback(file, all_threads=True)
        os.lseek(file, 0, os.SEEK_SET)
        print(os.read(file, 1048576).decode("utf-8", "replace"), end="")
    finally:
        os.close(file)


action = sys.argv[1] if len(sys.argv) > 1 else "enable"
if action == "dump":
    dump()
elif action == "disable":
    print("it was enabled" if faulthandler.disable() else "it was not enabled")
elif action == "enable":
    if faulthandler.is_enabled():
        # It may write to a file of the program's choice.
        print("it was enabled already")
    else:
        faulthandler.enable(2, all_threads=True)
        print("it is enabled")
else:
    raise SystemExit("what is %r? There are enable, disable and dump" % action)
