package dev.isoflop.scaling.accounting;

/** A request that nothing can be reckoned for, with the field at fault. */
public final class AccountingException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String field;
    private final String fault;

    /**
     * @param field of {@link Question}
     * @param fault what is wrong and what would be right, without the field's name: {@code = 7 does not divide heads = 32; …}
     */
    public AccountingException(String field, String fault) {
        super(field + " " + fault);
        this.field = field;
        this.fault = fault;
    }

    public String field() {
        return field;
    }

    /** The message without the field's name. */
    public String fault() {
        return fault;
    }
}
