package dev.isoflop.lm.cuda.driver;

import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;

/** JCuda's handles with their values in reach, so that the calls of the hot path can take them as plain numbers. */
final class Handles {

    private Handles() {}

    static final class Context extends CUcontext {
        long value() {
            return getNativePointer();
        }
    }

    static final class DevicePointer extends CUdeviceptr {
        long value() {
            return getNativePointer();
        }
    }

    static final class HostPointer extends Pointer {
        long value() {
            return getNativePointer();
        }
    }

    static final class Event extends CUevent {
        long value() {
            return getNativePointer();
        }
    }

    static final class Function extends CUfunction {
        long value() {
            return getNativePointer();
        }
    }

    static final class Graph extends CUgraph {
        long value() {
            return getNativePointer();
        }
    }

    static final class GraphExec extends CUgraphExec {
        long value() {
            return getNativePointer();
        }
    }

    static final class Stream extends CUstream {
        long value() {
            return getNativePointer();
        }
    }
}
