package dev.isoflop.platform.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.jwk.source.RateLimitReachedException;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.BadJWTException;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.jwt.util.DateUtils;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.error.ErrorCode;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Tokens of an OpenID issuer: signed by it with a key pair, made for this platform, and valid now.
 *
 * <p>Keys are fetched when the first token comes, kept, fetched again when they are old or when a token names one that is not known (not
 * more often than {@code keys-pause}), and used on while the issuer cannot be reached. The platform starts without the issuer.
 */
@Component
class OidcTokens {

    /** Signatures whose key is public. With any other a token could be signed by whoever can read the issuer's keys, or not at all. */
    private static final Set<JWSAlgorithm> ALGORITHMS = Set.of(
            JWSAlgorithm.RS256,
            JWSAlgorithm.RS384,
            JWSAlgorithm.RS512,
            JWSAlgorithm.PS256,
            JWSAlgorithm.PS384,
            JWSAlgorithm.PS512,
            JWSAlgorithm.ES256,
            JWSAlgorithm.ES384,
            JWSAlgorithm.ES512,
            JWSAlgorithm.EdDSA,
            JWSAlgorithm.Ed25519);

    private static final Pattern SHAPE = Pattern.compile("[\\w-]+\\.[\\w-]+\\.[\\w-]*");
    private static final Pattern SUBJECT = Pattern.compile("[\\x21-\\x7e]{1,255}");
    private static final int LONGEST_TOKEN = 16 * 1024;
    private static final int LONGEST_NAME = 100;
    private static final int MOST_GROUPS = 500;
    private static final long FETCH_MILLIS = 8_000;
    private static final Logger LOG = LoggerFactory.getLogger(OidcTokens.class);

    private final OidcSettings settings;
    private final @Nullable DefaultJWTProcessor<SecurityContext> processor;

    OidcTokens(OidcSettings settings) {
        this.settings = settings;
        String issuer = settings.issuer();
        this.processor = settings.enabled() && issuer != null ? processor(issuer, settings) : null;
    }

    /**
     * Who a token names.
     *
     * @param subject the issuer's own id of it, for ever the same
     * @param name for people to read
     * @param expiresAt of the token
     */
    record Identity(String subject, String name, Scope scope, Set<String> groups, Instant expiresAt) {}

    /** Whether it can only be a token of the issuer. */
    boolean isOne(String token) {
        return processor != null
                && token.length() <= LONGEST_TOKEN
                && SHAPE.matcher(token).matches();
    }

    /**
     * @throws ProblemException unauthenticated, if it is not good; forbidden, if it is but gives no scope; unavailable, if the issuer's
     *     keys cannot be fetched
     */
    Identity verify(String token) {
        if (processor == null) {
            throw refused("no issuer is set");
        }
        try {
            return identity(processor.process(token, null));
        } catch (RateLimitReachedException e) {
            throw refused("it is signed with a key that the issuer has not published");
        } catch (KeySourceException e) {
            LOG.warn("The keys of the issuer {} cannot be fetched: {}", settings.issuer(), e.getMessage());
            throw new ProblemException(
                    ErrorCode.UNAVAILABLE,
                    "The issuer of this token cannot be reached to check it; try again later, or use a token of the platform.");
        } catch (BadJWTException e) {
            throw refused(String.valueOf(e.getMessage()));
        } catch (ParseException | BadJOSEException | JOSEException e) {
            LOG.debug("A token of the issuer was refused", e);
            throw refused("it is not signed by the issuer with a key and an algorithm that are accepted");
        }
    }

    private static ProblemException refused(String why) {
        return new ProblemException(ErrorCode.UNAUTHENTICATED, "The token of the issuer is not valid: " + why + ".");
    }

    private Identity identity(JWTClaimsSet claims) {
        String subject = claims.getSubject();
        if (subject == null || !SUBJECT.matcher(subject).matches()) {
            throw refused("its subject is not 1 to 255 printable characters");
        }
        Scope scope = settings.scope(words(claims, settings.scopeClaim(), true))
                .orElseThrow(() -> new ProblemException(
                        ErrorCode.FORBIDDEN,
                        "The token is valid, but its claim '%s' has none of the values that give a scope here."
                                .formatted(settings.scopeClaim())));
        Set<String> groups = new TreeSet<>();
        words(claims, settings.groupsClaim(), false).stream().limit(MOST_GROUPS).forEach(groups::add);
        Object username = claim(claims, settings.usernameClaim());
        return new Identity(
                subject,
                shown(username instanceof String text && !text.isBlank() ? text : subject),
                scope,
                groups,
                Instant.ofEpochSecond(DateUtils.toSecondsSinceEpoch(claims.getExpirationTime())));
    }

    /** Names go into logs and tables: no line breaks, nothing endless. */
    private static String shown(String name) {
        String clean = name.strip().replaceAll("\\p{Cntrl}", " ");
        return clean.length() > LONGEST_NAME ? clean.substring(0, LONGEST_NAME) : clean;
    }

    private static List<String> words(JWTClaimsSet claims, String name, boolean split) {
        return switch (claim(claims, name)) {
            case String text ->
                split
                        ? Arrays.stream(text.split("\\s+"))
                                .filter(word -> !word.isEmpty())
                                .toList()
                        : List.of(text);
            case Collection<?> values ->
                values.stream()
                        .filter(String.class::isInstance)
                        .map(String.class::cast)
                        .toList();
            case null, default -> List.of();
        };
    }

    private static @Nullable Object claim(JWTClaimsSet claims, String name) {
        Object whole = claims.getClaim(name);
        if (whole != null || !name.contains(".")) {
            return whole;
        }
        Object at = claims.getClaims();
        for (String part : name.split("\\.", -1)) {
            at = at instanceof Map<?, ?> map ? map.get(part) : null;
        }
        return at;
    }

    private static DefaultJWTProcessor<SecurityContext> processor(String issuer, OidcSettings settings) {
        long ttl = settings.keysTtl().toMillis();
        var source = JWKSourceBuilder.create(new OidcKeys(issuer))
                .cache(ttl, FETCH_MILLIS)
                .refreshAheadCache(false)
                .rateLimited(settings.keysPause().toMillis())
                .retrying(true);
        Duration outage = settings.outage();
        JWKSource<SecurityContext> keys = (outage.isZero() ? source : source.outageTolerant(outage.toMillis())).build();
        DefaultJWTProcessor<SecurityContext> made = new DefaultJWTProcessor<>();
        made.setJWSTypeVerifier(
                new DefaultJOSEObjectTypeVerifier<>(JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), null));
        made.setJWSKeySelector(new JWSVerificationKeySelector<>(ALGORITHMS, keys));
        var claims = new DefaultJWTClaimsVerifier<>(
                Optional.ofNullable(settings.audience()).orElseThrow(),
                new JWTClaimsSet.Builder().issuer(issuer).build(),
                Set.of("sub", "exp"));
        claims.setMaxClockSkew((int) settings.skew().toSeconds());
        made.setJWTClaimsSetVerifier(claims);
        return made;
    }
}
