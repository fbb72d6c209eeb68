"""Change an entry only if it is still what was read: threads that write to the same array."""

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
