# Ends what `@tracemalloc-start` began, and forgets what it found.
import tracemalloc

if tracemalloc.is_tracing():
    tracemalloc.stop()
    print("tracemalloc has stopped")
else:
    print("tracemalloc does not trace")
