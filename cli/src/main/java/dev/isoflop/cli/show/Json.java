package dev.isoflop.cli.show;

import dev.isoflop.cli.client.ApiClient;

/** What commands print for programs. */
public final class Json {

    private Json() {}

    public static void print(Object value) {
        System.out.println(ApiClient.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(value));
    }
}
