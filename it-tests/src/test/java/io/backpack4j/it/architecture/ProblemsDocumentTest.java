// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import io.backpack4j.spi.ProblemId;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * All kinds of problems are constants, and docs/problems.md lists them. The classes are those that {@link
 * ArchitectureTest} has read.
 */
@AnalyzeClasses(
        packages = "io.backpack4j",
        importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.NoTestJars.class})
class ProblemsDocumentTest {

    private static final Path DOCUMENT = Path.of("..", "docs", "problems.md");

    /** Where a table ends up that is not the current one, to be copied. */
    private static final Path NEW = Path.of("target", "problems.md");

    private static List<JavaField> constants(JavaClasses classes) {
        return classes.stream()
                .flatMap(type -> type.getFields().stream())
                .filter(field -> field.getRawType().isEquivalentTo(ProblemId.class))
                .filter(field -> field.getModifiers().contains(JavaModifier.STATIC))
                .toList();
    }

    private static ProblemId value(JavaField constant) throws ReflectiveOperationException {
        Field field = constant.reflect();
        field.setAccessible(true);
        return (ProblemId) field.get(null);
    }

    private static String document(JavaClasses classes) throws ReflectiveOperationException {
        Map<String, String> rows = new TreeMap<>();
        for (JavaField constant : constants(classes)) {
            ProblemId id = value(constant);
            rows.put(id.name(), "| `%s` | %s | %s |".formatted(id.name(), escaped(id.cause()), escaped(id.remedy())));
        }
        return """
                # Problems

                Every message begins with the kind of problem in brackets, such as `[ShapeMismatch]`, and says what failed, with which value, and what to do. This is
                the list of all kinds. In Java they are constants: `CommonProblems`, `KernelProblems`, `FormatProblems` and so on, to be compared with
                `exception.problems().get(0).id()`. Plugins may have further ones.

                | problem | what leads to it | what to do |
                |---|---|---|
                %s
                """.formatted(String.join("\n", rows.values()));
    }

    private static String escaped(String text) {
        return text.replace("|", "\\|").replace("*", "\\*");
    }

    @ArchTest
    static void the_document_is_current(JavaClasses classes) throws IOException, ReflectiveOperationException {
        String current = document(classes);
        String written = Files.exists(DOCUMENT) ? Files.readString(DOCUMENT).replace("\r\n", "\n") : "";
        if (!written.equals(current)) {
            Files.writeString(NEW, current);
        }
        assertThat(written)
                .as("docs/problems.md; write it anew with: cp it-tests/target/problems.md docs/problems.md")
                .isEqualTo(current);
    }

    @ArchTest
    static void every_kind_is_made_once_in_a_list_of_constants(JavaClasses classes)
            throws ReflectiveOperationException {
        // Rebuilds on Spark's driver the kinds that a task in another process met.
        String carrier = "TaskFailure";
        List<String> elsewhere = classes.get(ProblemId.class).getConstructorCallsToSelf().stream()
                .map(JavaAccess::getOriginOwner)
                .map(JavaClass::getSimpleName)
                .distinct()
                .filter(owner -> !owner.endsWith("Problems") && !owner.equals(carrier))
                .toList();
        assertThat(elsewhere)
                .as("classes that make kinds of problems, beside lists of constants")
                .isEmpty();
        Map<String, List<String>> holders = new TreeMap<>();
        for (JavaField constant : constants(classes)) {
            if (constant.getOwner().getSimpleName().endsWith("Problems")) {
                String name = value(constant).name();
                holders.computeIfAbsent(name, absent -> new ArrayList<>())
                        .add(constant.getOwner().getSimpleName());
                String words = name.replaceAll("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_");
                assertThat(constant.getName()).isEqualToIgnoringCase(words);
            }
        }
        assertThat(holders.entrySet().stream()
                        .filter(entry -> entry.getValue().size() > 1)
                        .map(Map.Entry::toString)
                        .collect(Collectors.toList()))
                .as("kinds with several constants")
                .isEmpty();
        assertThat(holders).hasSizeGreaterThan(100);
    }

    @ArchTest
    static void every_kind_is_reported_somewhere(JavaClasses classes) {
        List<String> unused = constants(classes).stream()
                .filter(constant -> constant.getOwner().getSimpleName().endsWith("Problems"))
                .filter(constant -> constant.getAccessesToSelf().stream()
                        .allMatch(access -> access.getOriginOwner().equals(constant.getOwner())))
                .map(JavaField::getFullName)
                .toList();
        assertThat(unused).as("constants that nobody uses").isEmpty();
    }
}
