// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.backpack4j.formats.IdxFile;
import io.backpack4j.formats.SafetensorsWriter;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.io.FileWriter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every file is written beside its target and moved into place: where writing fails, what was there stays, and nothing
 * else is left.
 */
class FilesTest {

    private static final byte[] BEFORE = {1, 2, 3};
    private static final Set<String> WRITING = Set.of(
            "write", "writeString", "newOutputStream", "newBufferedWriter", "copy", "createFile", "createTempFile");

    @TempDir
    private Path folder;

    /** One class writes what users see; Main's streams are those of the process. */
    @Test
    void one_class_writes_files() {
        JavaClasses classes = new ClassFileImporter()
                .importPackages(
                        "io.backpack4j.cli",
                        "io.backpack4j.formats",
                        "io.backpack4j.kernel",
                        "io.backpack4j.operators",
                        "io.backpack4j.training");
        var writes = new DescribedPredicate<JavaAccess<?>>("write files") {
            @Override
            public boolean test(JavaAccess<?> access) {
                return access.getTargetOwner().isEquivalentTo(Files.class) && WRITING.contains(access.getName());
            }
        };
        noClasses()
                .that()
                .resideOutsideOfPackage("io.backpack4j.it..")
                .and()
                .haveNameNotMatching(".*(Test|\\.ReplacementFile|\\.SpooledSource)")
                .should()
                .accessTargetWhere(writes)
                .orShould()
                .dependOnClassesThat(belongToAnyOf(FileWriter.class, RandomAccessFile.class))
                .because(
                        "ReplacementFile does it; rows that SpooledSource keeps are in a temporary file that nobody else sees")
                .check(classes.that(new DescribedPredicate<>("are no tests") {
                    @Override
                    public boolean test(com.tngtech.archunit.core.domain.JavaClass type) {
                        return type.getSource().stream()
                                .noneMatch(source -> source.getUri().toString().contains("test-classes"));
                    }
                }));
    }

    @Test
    void targets_that_cannot_be_written() throws IOException {
        Path directory = Files.createDirectory(folder.resolve("directory"));
        Path file = Files.write(folder.resolve("file"), BEFORE);
        for (Path target : new Path[] {
            directory, file.resolve("below"), folder.resolve("missing").resolve("below"), Path.of("/dev/null")
        }) {
            for (Writer writer : Writer.values()) {
                assertThatThrownBy(() -> writer.write(target))
                        .isInstanceOf(BackpackException.class)
                        .hasMessageContaining(target.toString());
            }
        }
        assertThat(file).hasBinaryContent(BEFORE);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactlyInAnyOrder(directory, file);
        }
    }

    /** A disk that is full halfway: the system lets the process write no more than some kilobytes into a file. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void disks_that_are_full() throws IOException, InterruptedException {
        for (Writer writer : Writer.values()) {
            Path target = Files.write(folder.resolve(writer.name()), BEFORE);
            String command = "ulimit -f 16; exec \"$0\" -XX:-UsePerfData -cp \"$1\" '%s' %s \"$2\""
                    .formatted(Writing.class.getName(), writer.name());
            Process process = new ProcessBuilder(
                            "sh",
                            "-c",
                            command,
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            System.getProperty("java.class.path"),
                            target.toString())
                    .redirectErrorStream(true)
                    .start();
            String output =
                    new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
            assertThat(output).startsWith("refused: [").contains(target.toString());
            assertThat(target).hasBinaryContent(BEFORE);
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).hasSize(Writer.values().length);
        }
    }

    /** What writes. */
    enum Writer {
        IDX,
        SAFETENSORS;

        private static final int BYTES = 1 << 18;

        void write(Path target) {
            byte[] bytes = new byte[BYTES];
            new Random(1).nextBytes(bytes);
            if (this == IDX) {
                IdxFile.of(Shape.of(BYTES), bytes).write(target);
                return;
            }
            try (SafetensorsWriter writer = SafetensorsWriter.to(target)
                    .tensor("x", DType.FLOAT64, Shape.of(BYTES))
                    .open()) {
                writer.write("x", 0, new double[BYTES], 0, BYTES);
                writer.commit();
            }
        }
    }

    /** A process that writes one file. */
    static final class Writing {

        private Writing() {}

        /** Takes the writer and the file. */
        public static void main(String[] arguments) {
            try {
                Writer.valueOf(arguments[0]).write(Path.of(arguments[1]));
                System.out.println("written");
            } catch (BackpackException e) {
                System.out.println("refused: " + e.getMessage());
            }
        }
    }
}
