package dev.isoflop.platform.shared.web;

import dev.isoflop.protocol.error.Problem;
import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import java.util.List;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springdoc.core.customizers.OperationCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.util.StringUtils;

/**
 * What the OpenAPI document says beyond what the controllers show: how to sign a request, that every failure is a
 * problem, and names for operations that stay the same whatever is added beside them.
 */
@Configuration(proxyBeanMethods = false)
class ApiDescription {

    private static final String PROBLEM = "#/components/schemas/Problem";
    private static final String TOKEN = "token";

    @Bean
    OpenApiCustomizer describeApi(RecordSchemas records) {
        return api -> {
            api.info(new Info()
                    .title("Isoflop")
                    .version("v1")
                    .description("Scaling-law research on language models, end to end. N parameters, D tokens, C FLOPs,"
                            + " losses in nats per token, times in UTC."));
            api.getComponents()
                    .addSecuritySchemes(
                            TOKEN,
                            new SecurityScheme()
                                    .type(SecurityScheme.Type.HTTP)
                                    .scheme("bearer")
                                    .description("An API token, such as isf_…"));
            api.addSecurityItem(new SecurityRequirement().addList(TOKEN));
            ModelConverters.getInstance(true)
                    .read(Problem.class)
                    .forEach((name, schema) -> api.getComponents().addSchemas(name, schema));
            ModelConverters.getInstance(true)
                    .read(Problem.FieldError.class)
                    .forEach((name, schema) -> api.getComponents().addSchemas(name, schema));
            failures(api);
            records.describe(api);
        };
    }

    private static void failures(OpenAPI api) {
        api.getPaths().values().stream()
                .flatMap(path -> path.readOperations().stream())
                .forEach(operation -> operation
                        .getResponses()
                        .addApiResponse(
                                "default",
                                new ApiResponse()
                                        .description("A problem (RFC 9457)")
                                        .content(new Content()
                                                .addMediaType(
                                                        "application/problem+json",
                                                        new MediaType().schema(new Schema<>().$ref(PROBLEM))))));
    }

    /** Such as {@code listRuns} of {@code RunController.list}; tagged by the feature's package. */
    @Bean
    OperationCustomizer nameOperations() {
        return (Operation operation, org.springframework.web.method.HandlerMethod handler) -> {
            Class<?> controller = handler.getBeanType();
            String feature = controller.getSimpleName().replace("Controller", "");
            operation.setOperationId(handler.getMethod().getName() + StringUtils.capitalize(feature));
            String packageName = controller.getPackageName();
            operation.setTags(List.of(packageName.substring(packageName.lastIndexOf('.') + 1)));
            return operation;
        };
    }
}
