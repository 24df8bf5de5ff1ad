package dev.isoflop.platform;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.GeneralCodingRules;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.modulith.core.ApplicationModules;

/** The arrows of docs/architecture.md, read from the class files of every module that has been built. */
class ArchitectureTests {

    /** Modules as the table has them: Maven directory, package, how many classes it has at least, what it may use. */
    enum Module {
        PROTOCOL("protocol", "protocol", 30),
        TELEMETRY("telemetry", "telemetry", 3),
        SCALING("scaling", "scaling", 30),
        LM("lm", "lm", 30),
        DATA("data", "data", 5, LM),
        EVALS("evals", "evals", 5),
        RUNNER("experiment-runner", "runner", 20, PROTOCOL, TELEMETRY, LM, DATA, EVALS, SCALING),
        DB("db", "db", 30, PROTOCOL, TELEMETRY, SCALING),
        PLATFORM("platform-api", "platform", 80, DB, PROTOCOL, TELEMETRY, SCALING, EVALS),
        CLI("cli", "cli", 20, PROTOCOL, SCALING);

        final String directory;
        final String root;
        final int leastClasses;
        final Set<Module> uses;

        Module(String directory, String name, int leastClasses, Module... uses) {
            this.directory = directory;
            this.root = "dev.isoflop." + name;
            this.leastClasses = leastClasses;
            this.uses = Set.of(uses);
        }

        /** Those a build of this module has built before it, so that their absence is a fault and no accident. */
        boolean isUpstream() {
            return this == PLATFORM || PLATFORM.uses.contains(this);
        }

        Path classFiles() {
            return Path.of(System.getProperty("isoflop.root"), directory, "target", "classes");
        }

        boolean owns(JavaClass type) {
            return type.getPackageName().equals(root) || type.getPackageName().startsWith(root + ".");
        }

        static final Map<Module, JavaClasses> IMPORTED = Stream.of(values())
                .filter(module -> Files.isDirectory(module.classFiles()))
                .collect(Collectors.toMap(
                        module -> module, module -> new ClassFileImporter().importPath(module.classFiles())));

        JavaClasses classes() {
            JavaClasses classes = IMPORTED.get(this);
            if (classes == null) {
                assertThat(isUpstream())
                        .as(directory + " is built before this module")
                        .isFalse();
                Assumptions.abort(directory + " is not built yet");
                throw new AssertionError("unreachable");
            }
            return classes;
        }
    }

    private static DescribedPredicate<JavaClass> ours(String description, Set<Module> modules) {
        return DescribedPredicate.describe(description, type -> modules.stream().anyMatch(module -> module.owns(type)));
    }

    @ParameterizedTest
    @EnumSource
    void everyModuleUsesOnlyWhatTheTableAllows(Module module) {
        JavaClasses classes = module.classes();
        Set<Module> forbidden = Stream.of(Module.values())
                .filter(other -> other != module && !module.uses.contains(other))
                .collect(Collectors.toSet());
        noClasses()
                .should()
                .dependOnClassesThat(ours("belong to a module that " + module.directory + " may not use", forbidden))
                .check(classes);
    }

    @ParameterizedTest
    @EnumSource
    void everyModuleIsWhereItsNameSays(Module module) {
        JavaClasses classes = module.classes();
        assertThat(classes.size()).as("classes of " + module.directory).isGreaterThanOrEqualTo(module.leastClasses);
        classes().should().resideInAPackage(module.root + "..").check(classes);
    }

    @ParameterizedTest
    @EnumSource
    void packagesOfAModuleAreFreeOfCycles(Module module) {
        slices().matching(module.root + ".(**)")
                .should()
                .beFreeOfCycles()
                .allowEmptyShould(true)
                .check(module.classes());
    }

    @ParameterizedTest
    @EnumSource
    void nothingIsInjectedIntoFields(Module module) {
        GeneralCodingRules.NO_CLASSES_SHOULD_USE_FIELD_INJECTION
                .allowEmptyShould(true)
                .check(module.classes());
    }

    @ParameterizedTest
    @EnumSource(names = {"SCALING", "LM", "DATA", "EVALS"})
    void theLibrariesKnowNoSpring(Module module) {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.springframework..", "jakarta..", "org.hibernate..")
                .check(module.classes());
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "PLATFORM")
    void controllersAreThePlatformsAlone(Module module) {
        noClasses()
                .should()
                .beAnnotatedWith("org.springframework.web.bind.annotation.RestController")
                .orShould()
                .beAnnotatedWith("org.springframework.stereotype.Controller")
                .check(module.classes());
    }

    @Test
    void controllersAreNobodysApi() {
        classes()
                .that()
                .areAnnotatedWith("org.springframework.web.bind.annotation.RestController")
                .should()
                .notBePublic()
                .check(Module.PLATFORM.classes());
    }

    @Test
    void jpaRepositoriesAreUsedInTheirOwnModuleAlone() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .areAssignableTo("org.springframework.data.repository.Repository")
                .check(Module.PLATFORM.classes());
    }

    @Test
    void entitiesAreNeverAnsweredOverHttp() {
        noClasses()
                .that()
                .areAnnotatedWith("org.springframework.web.bind.annotation.RestController")
                .and()
                .doNotHaveSimpleName("RunController") // cancels through CancelRuns, which hands the locked entity back
                .should()
                .dependOnClassesThat()
                .areAnnotatedWith("jakarta.persistence.Entity")
                .check(Module.PLATFORM.classes());
    }

    @Test
    void entitiesHaveNoSetters() {
        List<String> setters = Module.DB.classes().stream()
                .filter(type -> type.isAnnotatedWith("jakarta.persistence.Entity"))
                .flatMap(type -> type.getMethods().stream())
                .filter(method -> method.getName().matches("set[A-Z].*"))
                .filter(method -> method.getModifiers().contains(JavaModifier.PUBLIC))
                .map(method -> method.getFullName())
                .toList();
        assertThat(setters).isEmpty();
    }

    @Test
    void dateAndCalendarAreNotUsed() {
        for (Module module : Module.IMPORTED.keySet()) {
            noClasses()
                    .that()
                    .doNotHaveSimpleName("QuartzDates") // Quartz speaks it, and this class translates
                    .should()
                    .dependOnClassesThat()
                    .haveFullyQualifiedName("java.util.Date")
                    .orShould()
                    .dependOnClassesThat()
                    .haveFullyQualifiedName("java.util.Calendar")
                    .check(module.classes());
        }
    }

    /** The features of the platform are modules too: what one has inside is not for the others. */
    @Test
    void featuresOfThePlatformKeepTheirInsidesToThemselves() {
        ApplicationModules.of(PlatformApplication.class, new ImportOption.DoNotIncludeTests())
                .verify();
    }
}
