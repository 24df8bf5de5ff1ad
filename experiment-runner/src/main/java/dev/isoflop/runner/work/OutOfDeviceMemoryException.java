package dev.isoflop.runner.work;

/** Work that does not fit into a GPU's memory, however long it waited. */
public final class OutOfDeviceMemoryException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public OutOfDeviceMemoryException(String message) {
        super(message);
    }
}
