package dev.isoflop.platform.tokens;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.SimpleGrantedAuthority;

/** What a token is good for. Each of the first three includes those before it; an admin may also do what runners do. */
enum Scope {
    READ,
    SUBMIT,
    ADMIN,
    RUNNER;

    String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<Scope> of(String wireName) {
        return Arrays.stream(values())
                .filter(s -> s.wireName().equals(wireName))
                .findAny();
    }

    static List<String> wireNames() {
        return Arrays.stream(values()).map(Scope::wireName).toList();
    }

    /** The scopes this one includes, as authorities. */
    List<GrantedAuthority> authorities() {
        List<Scope> included = switch (this) {
            case READ -> List.of(READ);
            case SUBMIT -> List.of(READ, SUBMIT);
            case ADMIN -> List.of(READ, SUBMIT, ADMIN, RUNNER);
            case RUNNER -> List.of(RUNNER);
        };
        return included.stream()
                .map(s -> (GrantedAuthority) new SimpleGrantedAuthority(s.wireName()))
                .toList();
    }
}
