// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import io.backpack4j.spi.Plugin;

/** The arrows of the house. */
@AnalyzeClasses(
        packages = "io.backpack4j",
        importOptions = {ImportOption.DoNotIncludeTests.class, ArchitectureTest.NoTestJars.class})
class ArchitectureTest {

    /** Leaves out what modules offer to the tests of others. */
    static final class NoTestJars implements ImportOption {

        @Override
        public boolean includes(Location location) {
            return !location.contains("-tests.jar");
        }
    }

    private static final String[] PLUGINS = {"io.backpack4j.modules..", "io.backpack4j.ext..", "io.backpack4j.backend.."
    };

    @ArchTest
    static final ArchRule the_contracts_depend_on_annotations_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.spi..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("io.backpack4j.spi..", "java..", "org.jspecify.annotations..");

    @ArchTest
    static final ArchRule the_testkit_knows_contracts_only = noClasses()
            .that()
            .resideInAPackage("io.backpack4j.testkit..")
            .and()
            .resideOutsideOfPackage("io.backpack4j.testkit.extension..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.backpack4j.kernel..", "io.backpack4j.testkit.extension..");

    @ArchTest
    static final ArchRule the_kernel_knows_no_plugin = noClasses()
            .that()
            .resideInAPackage("io.backpack4j.kernel..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(PLUGINS);

    @ArchTest
    static final ArchRule operators_know_contracts_and_the_public_kernel_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.operators..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.operators..",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "java..",
                    "org.jspecify.annotations..");

    @ArchTest
    static final ArchRule nothing_but_what_solves_with_curvature_knows_operators = noClasses()
            .that()
            .resideOutsideOfPackages(
                    "io.backpack4j.operators..",
                    "io.backpack4j.training.curvature",
                    "io.backpack4j.influence..",
                    "io.backpack4j.pruning..",
                    "io.backpack4j.cockpit..",
                    "io.backpack4j.cli..",
                    "io.backpack4j.it..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.backpack4j.operators..");

    @ArchTest
    static final ArchRule training_knows_contracts_and_the_public_kernel_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.training..")
            .and()
            .resideOutsideOfPackage("io.backpack4j.training.files")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.training",
                    "io.backpack4j.training.catalog",
                    "io.backpack4j.training.curvature",
                    "io.backpack4j.training.data",
                    "io.backpack4j.training.metric",
                    "io.backpack4j.training.optimizer",
                    "io.backpack4j.training.schedule",
                    "io.backpack4j.operators",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "com.google.auto.service..",
                    "java..",
                    "org.jspecify.annotations..");

    /** Checkpoints, logs and data sets are files. */
    @ArchTest
    static final ArchRule files_of_training_know_formats_too = classes()
            .that()
            .resideInAPackage("io.backpack4j.training.files")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.training..",
                    "io.backpack4j.formats",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "java..",
                    "javax.imageio..",
                    "com.fasterxml.jackson..",
                    "de.siegmar.fastcsv..",
                    "org.jspecify.annotations..");

    @ArchTest
    static final ArchRule packages_of_training_have_no_cycles =
            slices().assignedFrom(packagesIn("io.backpack4j.training")).should().beFreeOfCycles();

    @ArchTest
    static final ArchRule privacy_knows_training_and_the_public_kernel_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.privacy..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.privacy..",
                    "io.backpack4j.training",
                    "io.backpack4j.training.data",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "com.fasterxml.jackson..",
                    "com.google.auto.service..",
                    "java..",
                    "org.hipparchus..",
                    "org.jspecify.annotations..");

    @ArchTest
    static final ArchRule influence_knows_data_and_operators_and_the_public_kernel_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.influence..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.influence..",
                    "io.backpack4j.training.data",
                    "io.backpack4j.operators",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "java..",
                    "org.jspecify.annotations..");

    @ArchTest
    static final ArchRule pruning_knows_data_and_operators_and_the_public_kernel_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.pruning..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.pruning..",
                    "io.backpack4j.training.data",
                    "io.backpack4j.operators",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "java..",
                    "org.hipparchus..",
                    "org.jspecify.annotations..");

    @ArchTest
    static final ArchRule laplace_knows_no_plugin_and_no_trainer = classes()
            .that()
            .resideInAPackage("io.backpack4j.laplace..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.laplace..",
                    "io.backpack4j.training.data",
                    "io.backpack4j.formats",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "java..",
                    "org.hipparchus..",
                    "org.jspecify.annotations..");

    /** Counting what was spent needs no network. */
    @ArchTest
    static final ArchRule accountants_know_numbers_only = noClasses()
            .that()
            .resideInAPackage("io.backpack4j.privacy.accountant")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.backpack4j.training..", "io.backpack4j.kernel..", "io.backpack4j.spi.extension..");

    @ArchTest
    static final ArchRule the_cockpit_needs_no_plugin_and_no_trainer = classes()
            .that()
            .resideInAPackage("io.backpack4j.cockpit..")
            .and()
            .resideOutsideOfPackage("io.backpack4j.cockpit.trainer")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.cockpit",
                    "io.backpack4j.cockpit.alarm",
                    "io.backpack4j.cockpit.log",
                    "io.backpack4j.cockpit.page",
                    "io.backpack4j.cockpit.quantity",
                    "io.backpack4j.operators",
                    "io.backpack4j.formats",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "com.fasterxml.jackson..",
                    "com.google.auto.service..",
                    "com.sun.net.httpserver..",
                    "java..",
                    "org.jspecify.annotations..");

    /** Where the two meet; training knows no cockpit, as its own rule says. */
    @ArchTest
    static final ArchRule one_package_of_the_cockpit_knows_the_trainer = classes()
            .that()
            .resideInAPackage("io.backpack4j.cockpit.trainer")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.cockpit..",
                    "io.backpack4j.training",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "java..",
                    "org.jspecify.annotations..");

    /** A plugin, but of a service that formats define. */
    @ArchTest
    static final ArchRule onnx_knows_contracts_formats_and_the_public_kernel_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.onnx..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.onnx..",
                    "io.backpack4j.formats",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "com.google.auto.service..",
                    "java..",
                    "org.jspecify.annotations..");

    /** A plugin, but of a service that training defines. The database is found at run time, by the JDK. */
    @ArchTest
    static final ArchRule data_sql_knows_contracts_data_and_the_jdk_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.data.sql..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.data.sql..",
                    "io.backpack4j.training.data",
                    "io.backpack4j.spi..",
                    "com.google.auto.service..",
                    "java..",
                    "org.jspecify.annotations..");

    @ArchTest
    static final ArchRule nothing_knows_data_sql = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.data.sql..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.backpack4j.data.sql..", "java.sql..", "org.duckdb..");

    @ArchTest
    static final ArchRule spark_knows_formats_and_the_public_kernel_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.spark..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.spark..",
                    "io.backpack4j.formats",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "java..",
                    "org.apache.spark..",
                    "org.jspecify.annotations..",
                    "scala..");

    @ArchTest
    static final ArchRule only_spark_knows_spark = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.spark..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.backpack4j.spark..", "org.apache.spark..");

    @ArchTest
    static final ArchRule nothing_knows_onnx = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.onnx..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.backpack4j.onnx..");

    @ArchTest
    static final ArchRule the_listener_of_djl_knows_the_cockpit_and_the_public_kernel_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.djl..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                    "io.backpack4j.djl..",
                    "io.backpack4j.cockpit",
                    "io.backpack4j.formats",
                    "io.backpack4j.kernel",
                    "io.backpack4j.spi..",
                    "ai.djl..",
                    "java..",
                    "org.jspecify.annotations..");

    @ArchTest
    static final ArchRule nothing_else_knows_djl = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.djl..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.backpack4j.djl..", "ai.djl..");

    @ArchTest
    static final ArchRule plugins_know_contracts_only = classes()
            .that()
            .resideInAnyPackage(PLUGINS)
            .should()
            .onlyDependOnClassesThat(DescribedPredicate.describe(
                    "are contracts, annotations, the JDK or their own module's",
                    type -> !type.getPackageName().startsWith("io.backpack4j")
                            || type.getPackageName().startsWith("io.backpack4j.spi")
                            || type.getPackageName().startsWith("io.backpack4j.modules")
                            || type.getPackageName().startsWith("io.backpack4j.ext")
                            || type.getPackageName().startsWith("io.backpack4j.backend")));

    @ArchTest
    static final ArchRule plugins_do_not_know_each_other = slices().matching(
                    "io.backpack4j.(modules.*|ext.*|backend.*)..")
            .should()
            .notDependOnEachOther();

    @ArchTest
    static final ArchRule guice_stays_inside_the_kernel = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.kernel..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("com.google.inject..", "jakarta.inject..");

    @ArchTest
    static final ArchRule native_libraries_stay_inside_the_cpu_backend = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.backend.cpu..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.nd4j..", "org.bytedeco..");

    @ArchTest
    static final ArchRule jcuda_stays_behind_its_seam = noClasses()
            .that(DescribedPredicate.describe(
                    "are not the seam's JCuda side",
                    type -> !type.getPackageName().equals("io.backpack4j.backend.cuda")
                            || !type.getName().startsWith("io.backpack4j.backend.cuda.JCuda")))
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jcuda..");

    @ArchTest
    static final ArchRule the_cuda_backend_shows_its_plugin_only = classes()
            .that()
            .resideInAPackage("io.backpack4j.backend.cuda..")
            .and()
            .areTopLevelClasses()
            .and()
            .areNotAssignableTo(Plugin.class)
            .should()
            .notBePublic();

    /** What its packages show each other is public to Java, but to nobody else. */
    @ArchTest
    static final ArchRule the_cpu_backend_shows_its_plugin_only = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.backend.cpu..")
            .should()
            .dependOnClassesThat(DescribedPredicate.describe(
                    "are the CPU backend's, other than its plugin",
                    type -> type.getPackageName().startsWith("io.backpack4j.backend.cpu")
                            && !type.isAssignableTo(Plugin.class)));

    /** What stands in an interface is public by definition, and still hidden if the interface is. */
    @ArchTest
    static final ArchRule only_packages_below_the_cpu_backend_show_more = classes()
            .that()
            .resideInAPackage("io.backpack4j.backend.cpu")
            .and()
            .areTopLevelClasses()
            .and()
            .areNotAssignableTo(Plugin.class)
            .should()
            .notBePublic();

    @ArchTest
    static final ArchRule packages_of_the_cpu_backend_know_those_below_only = layeredArchitecture()
            .consideringOnlyDependenciesInAnyPackage("io.backpack4j.backend.cpu..")
            .layer("backend")
            .definedBy("io.backpack4j.backend.cpu")
            .layer("onednn")
            .definedBy("io.backpack4j.backend.cpu.onednn")
            .layer("loops")
            .definedBy("io.backpack4j.backend.cpu.loops")
            .layer("memory")
            .definedBy("io.backpack4j.backend.cpu.memory")
            .whereLayer("backend")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("onednn")
            .mayOnlyBeAccessedByLayers("backend")
            .whereLayer("loops")
            .mayOnlyBeAccessedByLayers("backend", "onednn")
            .whereLayer("memory")
            .mayOnlyBeAccessedByLayers("backend", "onednn", "loops");

    @ArchTest
    static final ArchRule packages_of_the_command_line_have_no_cycles =
            slices().assignedFrom(packagesIn("io.backpack4j.cli")).should().beFreeOfCycles();

    @ArchTest
    static final ArchRule commands_do_not_know_each_other = slices().matching(
                    "io.backpack4j.cli.(bench|cockpit|completion|convert|demo|doctor|evaluate|inspect|listing|predict|support|train)..")
            .should()
            .notDependOnEachOther();

    @ArchTest
    static final ArchRule the_command_line_alone_knows_its_parser = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.cli..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("picocli..", "me.tongfei..");

    @ArchTest
    static final ArchRule internals_stay_internal = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.kernel..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("..internal..");

    @ArchTest
    static final ArchRule only_the_command_line_writes_to_the_console = noClasses()
            .that()
            .resideOutsideOfPackage("io.backpack4j.cli..")
            .should()
            .accessField(System.class, "out")
            .orShould()
            .accessField(System.class, "err");

    @ArchTest
    static final ArchRule nothing_is_left_unsupported =
            noClasses().should().dependOnClassesThat().areAssignableTo(UnsupportedOperationException.class);

    @ArchTest
    static final ArchRule plugins_can_be_loaded = classes()
            .that()
            .areAssignableTo(Plugin.class)
            .and()
            .areNotInterfaces()
            .should()
            .bePublic()
            .andShould()
            .haveModifier(JavaModifier.FINAL)
            .andShould(havePublicConstructorWithoutParameters());

    /** A slice per package, that above all others included. */
    private static SliceAssignment packagesIn(String root) {
        return new SliceAssignment() {
            @Override
            public SliceIdentifier getIdentifierOf(JavaClass type) {
                String name = type.getPackageName();
                return name.equals(root) || name.startsWith(root + ".")
                        ? SliceIdentifier.of(name)
                        : SliceIdentifier.ignore();
            }

            @Override
            public String getDescription() {
                return "packages in " + root;
            }
        };
    }

    private static ArchCondition<JavaClass> havePublicConstructorWithoutParameters() {
        return new ArchCondition<>("have a public constructor without parameters") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                boolean present = type.getConstructors().stream()
                        .anyMatch(constructor ->
                                constructor.getRawParameterTypes().isEmpty()
                                        && constructor.getModifiers().contains(JavaModifier.PUBLIC));
                events.add(new SimpleConditionEvent(type, present, type.getName() + " has no such constructor"));
            }
        };
    }
}
