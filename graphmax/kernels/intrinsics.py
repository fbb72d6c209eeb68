"""Two instructions that Python has no word for: exchange an entry, and fetch one ahead.

`exchange` changes an entry only if it is still what was read, for threads that write to one array.
`prefetch` asks for memory before it is needed. A loop over one short row after the other waits for
memory once a row (the processor guesses wrong where a row ends, and so does not look ahead). Asked
for a dozen rows early, they arrive together: seven times faster where the graph is larger than the
cache.
"""

from llvmlite import ir  # type: ignore[import-untyped]
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic


def _exchange(typingctx, array, index, known, made):
    """Store `made` at ``array[index]`` if `known` is there; return what was there, in one step."""
    del typingctx, index, known, made

    def codegen(context, builder, signature, arguments):
        kind = signature.args[0]
        struct = context.make_array(kind)(context, builder, arguments[0])
        item = cgutils.get_item_pointer(context, builder, kind, struct, [arguments[1]])
        address = builder.bitcast(item, ir.IntType(kind.dtype.bitwidth).as_pointer())
        pair = builder.cmpxchg(address, arguments[2], arguments[3], "monotonic", "monotonic")
        return builder.extract_value(pair, 0)

    return array.dtype(array, types.intp, array.dtype, array.dtype), codegen


def _one_thread(array, index, known, made):
    """Stand in for `exchange` where loops run as plain Python, on one thread."""
    found = array[index]
    if found == known:
        array[index] = made
    return found


exchange = _one_thread if getattr(config, "DISABLE_JIT", 0) else intrinsic(_exchange)


# --- Ask for memory before it is needed: rows of scattered nodes are fetched side by side

ROWS_AHEAD = 12
_READ, _KEEP, _DATA = 0, 3, 1


def _prefetch(typingctx, array, index):
    """Fetch ``array[index]`` into the cache; nothing happens where the index is out of range."""
    del typingctx, index

    def codegen(context, builder, signature, arguments):
        kind = signature.args[0]
        struct = context.make_array(kind)(context, builder, arguments[0])
        item = cgutils.get_item_pointer(context, builder, kind, struct, [arguments[1]])
        address = builder.bitcast(item, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        call = cgutils.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0i8")
        builder.call(call, [address, number(_READ), number(_KEEP), number(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


def _nothing(array, index):
    """Stand in for `prefetch` where loops run as plain Python."""


prefetch = _nothing if getattr(config, "DISABLE_JIT", 0) else intrinsic(_prefetch)
