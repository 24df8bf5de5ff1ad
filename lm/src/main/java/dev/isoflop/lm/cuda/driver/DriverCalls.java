package dev.isoflop.lm.cuda.driver;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;

/**
 * The driver's functions that are called every step, and those JCuda lacks, bound by hand: a call costs nanoseconds and allocates nothing,
 * where JCuda copies its arguments. Handles and addresses are numbers. The class may be initialised only once the driver was found.
 */
final class DriverCalls {

    private static final NativeLibraries.Found DRIVER = NativeLibraries.require(NativeLibrary.DRIVER);

    private static final MethodHandle LAUNCH_KERNEL = function(
            "cuLaunchKernel",
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG);
    private static final MethodHandle GRAPH_LAUNCH = function("cuGraphLaunch", JAVA_LONG, JAVA_LONG);
    private static final MethodHandle GRAPH_NODES = function("cuGraphGetNodes", JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SET_CURRENT = function("cuCtxSetCurrent", JAVA_LONG);
    private static final MethodHandle SYNCHRONIZE = function("cuStreamSynchronize", JAVA_LONG);
    private static final MethodHandle EVENT_RECORD = function("cuEventRecord", JAVA_LONG, JAVA_LONG);
    private static final MethodHandle EVENT_QUERY = function("cuEventQuery", JAVA_LONG);
    private static final MethodHandle WAIT_EVENT = function("cuStreamWaitEvent", JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle HOST_TO_DEVICE = function("cuMemcpyHtoD_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle DEVICE_TO_HOST = function("cuMemcpyDtoH_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle HOST_TO_DEVICE_ASYNC =
            function("cuMemcpyHtoDAsync_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle DEVICE_TO_HOST_ASYNC =
            function("cuMemcpyDtoHAsync_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle DEVICE_TO_DEVICE_ASYNC =
            function("cuMemcpyDtoDAsync_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle MEMSET_8_ASYNC =
            function("cuMemsetD8Async", JAVA_LONG, JAVA_BYTE, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle MEMSET_32_ASYNC =
            function("cuMemsetD32Async", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle TENSOR_MAP = function(
            "cuTensorMapEncodeTiled",
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT);
    private static final MethodHandle PARAMETER_INFO =
            function("cuFuncGetParamInfo", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    private DriverCalls() {}

    private static MethodHandle function(String name, MemoryLayout... arguments) {
        FunctionDescriptor type = FunctionDescriptor.of(JAVA_INT, arguments);
        // these came with CUDA 12.4 and 12.0: an older driver answers "not found" (500) in their place
        if ((name.equals("cuFuncGetParamInfo") || name.equals("cuTensorMapEncodeTiled"))
                && DRIVER.symbols().find(name).isEmpty()) {
            return MethodHandles.dropArguments(
                    MethodHandles.constant(int.class, 500),
                    0,
                    type.toMethodType().parameterArray());
        }
        return DRIVER.function(name, type);
    }

    static int launchKernel(
            long function,
            int gridX,
            int gridY,
            int gridZ,
            int blockX,
            int blockY,
            int blockZ,
            int sharedBytes,
            long stream,
            long parameters) {
        try {
            return (int) LAUNCH_KERNEL.invokeExact(
                    function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, parameters, 0L);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** All but the numbers are addresses, of host memory but for that of the tensor. */
    static int tensorMap(
            long map,
            int type,
            int rank,
            long address,
            long sizes,
            long strides,
            long box,
            long elementStrides,
            int interleave,
            int swizzle,
            int promotion,
            int fill) {
        try {
            return (int) TENSOR_MAP.invokeExact(
                    map,
                    type,
                    rank,
                    address,
                    sizes,
                    strides,
                    box,
                    elementStrides,
                    interleave,
                    swizzle,
                    promotion,
                    fill);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int graphLaunch(long graph, long stream) {
        try {
            return (int) GRAPH_LAUNCH.invokeExact(graph, stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** @param nodes where to write them, 0 to be told only their count */
    static int graphNodes(long graph, long nodes, long count) {
        try {
            return (int) GRAPH_NODES.invokeExact(graph, nodes, count);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int setCurrent(long context) {
        try {
            return (int) SET_CURRENT.invokeExact(context);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int synchronize(long stream) {
        try {
            return (int) SYNCHRONIZE.invokeExact(stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int eventRecord(long event, long stream) {
        try {
            return (int) EVENT_RECORD.invokeExact(event, stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int eventQuery(long event) {
        try {
            return (int) EVENT_QUERY.invokeExact(event);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int waitEvent(long stream, long event) {
        try {
            return (int) WAIT_EVENT.invokeExact(stream, event, 0);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int hostToDevice(long device, long host, long bytes) {
        try {
            return (int) HOST_TO_DEVICE.invokeExact(device, host, bytes);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int deviceToHost(long host, long device, long bytes) {
        try {
            return (int) DEVICE_TO_HOST.invokeExact(host, device, bytes);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int hostToDeviceAsync(long device, long host, long bytes, long stream) {
        try {
            return (int) HOST_TO_DEVICE_ASYNC.invokeExact(device, host, bytes, stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int deviceToHostAsync(long host, long device, long bytes, long stream) {
        try {
            return (int) DEVICE_TO_HOST_ASYNC.invokeExact(host, device, bytes, stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int deviceToDeviceAsync(long target, long source, long bytes, long stream) {
        try {
            return (int) DEVICE_TO_DEVICE_ASYNC.invokeExact(target, source, bytes, stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int memset8Async(long address, byte value, long bytes, long stream) {
        try {
            return (int) MEMSET_8_ASYNC.invokeExact(address, value, bytes, stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int memset32Async(long address, int value, long count, long stream) {
        try {
            return (int) MEMSET_32_ASYNC.invokeExact(address, value, count, stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Offset and size of a kernel's parameter, written as two 64-bit numbers; not 0 past the last one. */
    static int parameterInfo(long function, long index, long offset, long size) {
        try {
            return (int) PARAMETER_INFO.invokeExact(function, index, offset, size);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static RuntimeException unexpected(Throwable e) {
        return e instanceof RuntimeException runtime
                ? runtime
                : new IllegalStateException("a CUDA call could not be made", e);
    }
}
