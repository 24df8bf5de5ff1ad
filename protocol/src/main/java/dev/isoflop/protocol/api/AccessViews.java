package dev.isoflop.protocol.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who may do what with an experiment. */
public final class AccessViews {

    private AccessViews() {}

    /**
     * @param visibility open: everybody whose scope allows it sees and uses the experiment; private: those with a role alone
     * @param yours viewer, editor or owner: what whoever asks may do
     * @param version for If-Match
     */
    public record Access(String visibility, List<Grant> roles, String yours, long version) {}

    /**
     * @param principal token:ID, user:SUBJECT or group:NAME
     * @param role viewer, editor or owner; each includes those before it
     * @param grantedBy the principal that gave it
     */
    public record Grant(String principal, String role, String grantedBy, Instant grantedAt) {}

    /**
     * Takes the place of all that was set before.
     *
     * @param visibility open or private
     * @param roles at most 200, of different principals
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record SetAccess(
            @Nullable String visibility, @Nullable List<SetGrant> roles) {}

    /**
     * @param principal token:ID, user:SUBJECT or group:NAME
     * @param role viewer, editor or owner
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record SetGrant(
            @Nullable String principal, @Nullable String role) {}
}
