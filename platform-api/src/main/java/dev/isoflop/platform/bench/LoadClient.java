package dev.isoflop.platform.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Speaks HTTP to the platform, one kept connection for each thread that speaks at a time. {@link HttpURLConnection}, because what a
 * client costs is taken from the platform here: it blocks a virtual thread and hands nothing to other threads.
 */
final class LoadClient {

    static final JsonMapper JSON = JsonMapper.builder().build();

    private static final int TIMEOUT_MILLIS = 60_000;

    private final String base;
    private final String authorization;

    /** @param base what paths are put behind */
    LoadClient(String base, String token) {
        this.base = base;
        this.authorization = "Bearer " + token;
    }

    /** Must be called before the first request of this JVM: the JDK reads it once. */
    static void keepConnections(int most) {
        System.setProperty("http.maxConnections", Integer.toString(most));
        // a request that got no answer is an error here, never sent again in silence
        System.setProperty("sun.net.http.retryPost", "false");
    }

    /** An answer that was not 2xx. */
    static final class RefusedException extends IOException {
        private static final long serialVersionUID = 1L;

        RefusedException(String what, int status, byte[] body) {
            super(what + " answered " + status + ": "
                    + new String(body, 0, Math.min(body.length, 500), java.nio.charset.StandardCharsets.UTF_8));
        }
    }

    byte[] get(String path) throws IOException {
        return send("GET", path, null, Map.of());
    }

    /** As a browser asks, which takes answers compressed; they are not unpacked. */
    int getAsBrowser(String path) throws IOException {
        return send("GET", path, null, Map.of("Accept-Encoding", "gzip")).length;
    }

    <T> T get(String path, Class<T> type) throws IOException {
        return JSON.readValue(get(path), type);
    }

    byte[] post(String path, @Nullable Object body) throws IOException {
        return post(path, body, Map.of());
    }

    byte[] post(String path, @Nullable Object body, Map<String, String> headers) throws IOException {
        return send("POST", path, body == null ? new byte[0] : JSON.writeValueAsBytes(body), headers);
    }

    private byte[] send(String method, String path, byte @Nullable [] body, Map<String, String> headers)
            throws IOException {
        HttpURLConnection connection =
                (HttpURLConnection) URI.create(base + path).toURL().openConnection();
        connection.setRequestMethod(method);
        connection.setConnectTimeout(TIMEOUT_MILLIS);
        connection.setReadTimeout(TIMEOUT_MILLIS);
        connection.setRequestProperty("Authorization", authorization);
        connection.setRequestProperty("Accept", "application/json, */*;q=0.5");
        headers.forEach(connection::setRequestProperty);
        if (body != null) {
            connection.setRequestProperty("Content-Type", "application/json");
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(body.length);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(body);
            }
        }
        int status = connection.getResponseCode();
        byte[] answer;
        // read to its end, so that the connection can be kept
        try (InputStream in = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            answer = in == null ? new byte[0] : in.readAllBytes();
        }
        if (status / 100 != 2) {
            throw new RefusedException(method + " " + path, status, answer);
        }
        return answer;
    }
}
