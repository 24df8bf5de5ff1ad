package dev.isoflop.lm.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/**
 * Work recorded once and launched as a whole, again and again. Addresses and numbers in kernel arguments are frozen at capture: whatever
 * changes between launches has to be in device memory. All memory that the work uses must outlive the graph.
 *
 * <p>Concurrency: captured in thread-local mode, so other threads may allocate and synchronise meanwhile; launches of one graph run one
 * after the other, whichever streams they are given to.
 */
public final class CudaGraph implements AutoCloseable {

    private final CudaDevice device;
    private final Handles.GraphExec executable;
    private final long handle;
    private final int nodes;
    private boolean closed;

    private CudaGraph(CudaDevice device, Handles.GraphExec executable, int nodes) {
        this.device = device;
        this.executable = executable;
        this.handle = executable.value();
        this.nodes = nodes;
    }

    /**
     * Records what an action gives to a stream, without running it. The action must not allocate device memory, synchronise, or use streams
     * that do not wait for this one. Run it once before: code that the driver has not loaded yet may be impossible to load in a capture.
     *
     * @throws CudaException if something that cannot be recorded was done; the stream is usable again
     */
    public static CudaGraph capture(CudaStream stream, Runnable action) {
        CudaDevice device = stream.device();
        device.bind();
        CudaException.check(
                JCudaDriver.cuStreamBeginCapture(
                        stream.jcuda(), CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                "begin of a capture");
        Handles.Graph graph = new Handles.Graph();
        stream.capturing(true);
        boolean complete = false;
        int ended;
        try {
            action.run();
            complete = true;
        } finally {
            stream.capturing(false);
            ended = JCudaDriver.cuStreamEndCapture(stream.jcuda(), graph);
            if (!complete && ended == 0) {
                JCudaDriver.cuGraphDestroy(graph); // the action's own exception is the one to report
            }
        }
        CudaException.check(ended, "end of a capture");
        try {
            int nodes = nodes(graph);
            Handles.GraphExec executable = new Handles.GraphExec();
            CudaException.check(JCudaDriver.cuGraphInstantiate(executable, graph, 0), "instantiation of a graph");
            return new CudaGraph(device, executable, nodes);
        } finally {
            JCudaDriver.cuGraphDestroy(graph);
        }
    }

    private static int nodes(Handles.Graph graph) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(8, 8);
            CudaException.check(DriverCalls.graphNodes(graph.value(), 0, count.address()), "nodes of a graph");
            return (int) count.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    /** How many kernels, copies and memsets it has. */
    public int nodes() {
        return nodes;
    }

    /** Sends the graph to the device ahead of its first launch. */
    public void upload(CudaStream stream) {
        CudaException.check(JCudaDriver.cuGraphUpload(executable, stream.jcuda()), "upload of a graph");
    }

    /** Runs it, in a stream's order. The host does not wait, and nothing is allocated. */
    public void launch(CudaStream stream) {
        CudaException.check(DriverCalls.graphLaunch(handle, stream.handle()), "launch of a graph");
        if (Kernel.BLOCKING) {
            CudaException.check(DriverCalls.synchronize(stream.handle()), "run of a graph");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.bind();
            CudaException.check(JCudaDriver.cuGraphExecDestroy(executable), "release of a graph");
        }
    }
}
