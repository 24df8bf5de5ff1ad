package dev.isoflop.runner.work.command;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * {@code kill(2)} and {@code getsid(2)}, called directly: a signal must get through also where no process can be started any more
 * (no memory, no process ids left).
 */
final class Signals {

    static final int KILL = 9;
    static final int TERM = 15;
    /** Numbers as on Linux, the only system where processes are run. */
    static final int CONT = 18;

    static final int STOP = 19;

    private static final MethodHandle KILL_CALL = call("kill", 2);
    private static final MethodHandle GETSID_CALL = call("getsid", 1);

    private Signals() {}

    private static MethodHandle call(String name, int arguments) {
        Linker linker = Linker.nativeLinker();
        ValueLayout[] layouts = new ValueLayout[arguments];
        java.util.Arrays.fill(layouts, ValueLayout.JAVA_INT);
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts));
    }

    /** Sends a signal to one process; a process that is gone is none of the caller's worries. */
    static boolean process(long pid, int signal) {
        return send(requireReal(pid), signal);
    }

    /** Sends a signal to a whole process group; false if there is no such group (any more). */
    static boolean group(long id, int signal) {
        return send(-requireReal(id), signal);
    }

    /** Session of a process, -1 if it is gone. */
    static long session(long pid) {
        try {
            return (int) GETSID_CALL.invokeExact(requireReal(pid));
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** 0, 1 and -1 mean the caller's own group, the first process and everybody: never what is meant here. */
    private static int requireReal(long pid) {
        if (pid <= 1 || pid > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("not a process to signal: " + pid);
        }
        return (int) pid;
    }

    private static boolean send(int target, int signal) {
        try {
            return (int) KILL_CALL.invokeExact(target, signal) == 0;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
