package dev.isoflop.protocol.error;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An RFC 9457 problem as this API sends it.
 *
 * @param type {@code /problems/SLUG}
 * @param title short and constant per code
 * @param status HTTP status
 * @param detail one sentence for this occurrence, naming the fix where there is one
 * @param code slug of an {@link ErrorCode}
 * @param errors field by field, where fields are at fault
 * @param expectedSeq for {@link ErrorCode#BATCH_GAP}, the sequence number the platform waits for
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Problem(
        String type,
        String title,
        int status,
        @Nullable String detail,
        @Nullable String code,
        @Nullable List<FieldError> errors,
        @Nullable Long expectedSeq) {

    /**
     * @param pointer JSON pointer of the field, such as {@code /budgets/0/flops}
     * @param message what is wrong
     * @param expected what would be right, if it can be said shortly
     * @param nearest the valid name closest to the one given, for unknown names
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record FieldError(
            String pointer,
            String message,
            @Nullable String expected,
            @Nullable String nearest) {}
}
