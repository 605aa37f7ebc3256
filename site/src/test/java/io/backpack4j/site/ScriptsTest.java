// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scripts of docs/notebook run, and what people paste from documents names what there is. */
class ScriptsTest {

    private static final Path ROOT = Path.of("..");
    private static final Path NOTEBOOKS = ROOT.resolve("docs/notebook");
    private static final Pattern VERSION = Pattern.compile("<version>([^<]+)</version>");

    @TempDir
    private Path folder;

    @Test
    void the_script_for_jshell_runs() throws Exception {
        String jshell =
                Path.of(System.getProperty("java.home"), "bin", "jshell").toString();
        assertRuns(run(
                Map.of(),
                jshell,
                "--class-path",
                System.getProperty("java.class.path"),
                "-R-Dguice_custom_class_loading=CHILD",
                "-R-Xmx512m",
                NOTEBOOKS.resolve("backpack.jsh").toString()));
    }

    /** Whoever has JBang runs the same file; its directives are comments to the compiler. */
    @Test
    void the_script_for_jbang_compiles_and_runs_and_asks_for_this_version() throws Exception {
        Path script = NOTEBOOKS.resolve("FirstOrder.java");
        assertThat(Files.readString(script)).contains("//DEPS io.backpack4j:backpack4j:" + version() + "\n");
        int code = ToolProvider.getSystemJavaCompiler()
                .run(
                        null,
                        null,
                        null,
                        "-proc:none",
                        "-d",
                        folder.toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        script.toString());
        assertThat(code).isZero();
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        assertRuns(run(
                Map.of(),
                java,
                "-Xmx512m",
                "-Dguice_custom_class_loading=CHILD",
                "-cp",
                folder + System.getProperty("path.separator") + System.getProperty("java.class.path"),
                "FirstOrder"));
    }

    /**
     * Runs where {@code BACKPACK_TEST_JUPYTER} names a Python with jjava and nbclient: they are some 60 MB from PyPI,
     * which a build does not download by itself. The cell that would ask Maven is replaced by the class path.
     */
    @Test
    void the_notebook_runs() throws Exception {
        String python = System.getenv("BACKPACK_TEST_JUPYTER");
        assumeTrue(python != null, "BACKPACK_TEST_JUPYTER names no Python with jjava and nbclient");
        String text = Files.readString(NOTEBOOKS.resolve("backpack.ipynb"));
        String maven = "%maven io.backpack4j:backpack4j:" + version();
        assertThat(text).contains(maven);
        Path notebook = folder.resolve("notebook.ipynb");
        Files.writeString(notebook, text.replace(maven, "int one = 1;"));
        String program = "import nbformat, nbclient, sys; n = nbformat.read(sys.argv[1], 4); "
                + "nbclient.NotebookClient(n, timeout=300, kernel_name='java').execute(); "
                + "print(''.join(o.get('text', '') for c in n.cells for o in c.get('outputs', [])))";
        assertRuns(run(
                Map.of(
                        "JJAVA_CLASSPATH",
                        System.getProperty("java.class.path"),
                        "JDK_JAVA_OPTIONS",
                        "-Dguice_custom_class_loading=CHILD"),
                python,
                "-c",
                program,
                notebook.toString()));
    }

    @Test
    void what_is_pasted_names_this_version() throws IOException {
        for (String document : List.of("README.md", "docs/start.md")) {
            String text = Files.readString(ROOT.resolve(document));
            assertThat(text)
                    .as(document)
                    .contains("<groupId>io.backpack4j</groupId>\n  <artifactId>backpack4j</artifactId>\n  <version>"
                            + version() + "</version>")
                    .contains("implementation(\"io.backpack4j:backpack4j:" + version() + "\")");
        }
        assertThat(Files.readString(ROOT.resolve("starter/pom.xml"))).contains("<artifactId>backpack4j</artifactId>");
    }

    @Test
    void the_readme_stays_short() throws IOException {
        assertThat(Files.readAllLines(ROOT.resolve("README.md"))).hasSizeLessThanOrEqualTo(150);
    }

    private static String version() throws IOException {
        Matcher version = VERSION.matcher(Files.readString(ROOT.resolve("pom.xml")));
        assertThat(version.find()).isTrue();
        return version.group(1);
    }

    private static void assertRuns(String output) {
        assertThat(output).containsPattern("loss 1\\.\\d{4}").contains("0.weight/variance [8, 4]");
    }

    private String run(Map<String, String> environment, String... command) throws IOException, InterruptedException {
        Path output = folder.resolve("output.txt");
        ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(List.of(command)))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(5, TimeUnit.MINUTES)).as("it ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        String text = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(text).isZero();
        return text;
    }
}
