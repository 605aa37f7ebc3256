// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import io.backpack4j.kernel.BackPack;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The arrows inside the kernel. */
@AnalyzeClasses(packages = "io.backpack4j.kernel", importOptions = ImportOption.DoNotIncludeTests.class)
class KernelArchitectureTest {

    private static final String INTERNAL = "io.backpack4j.kernel.internal";

    /** Every room with all rooms that it may know. A room may only know those above it, so that there are no cycles. */
    private static final Map<String, Set<String>> ARROWS = arrows();

    private static Map<String, Set<String>> arrows() {
        Map<String, Set<String>> arrows = new LinkedHashMap<>();
        arrows.put("calls", Set.of());
        arrows.put("discovery", Set.of("calls"));
        arrows.put("graph", Set.of("calls"));
        arrows.put("layout", Set.of("calls", "graph"));
        arrows.put("dryrun", Set.of());
        arrows.put("cost", Set.of("dryrun"));
        arrows.put("evaluation", Set.of("calls", "graph", "layout"));
        arrows.put("pass", Set.of("calls", "graph", "layout", "evaluation"));
        arrows.put("session", Set.of("calls", "graph", "layout", "pass"));
        arrows.put("linearization", Set.of("calls", "graph", "layout", "evaluation", "pass"));
        arrows.put(
                "plan",
                Set.of(
                        "calls",
                        "discovery",
                        "graph",
                        "layout",
                        "dryrun",
                        "cost",
                        "evaluation",
                        "pass",
                        "linearization"));
        return arrows;
    }

    static {
        Set<String> above = new HashSet<>();
        ARROWS.forEach((room, known) -> {
            if (!above.containsAll(known)) {
                throw new AssertionError(room + " may know " + known + ", but only " + above + " stand above it");
            }
            above.add(room);
        });
    }

    @ArchTest
    static final ArchRule rooms_know_those_above_them = classes()
            .that()
            .resideInAPackage(INTERNAL + ".*..")
            .should(onlyKnowTheirRooms())
            .because("plans build layouts, and passes, sessions and linearisations read them");

    /** The face of the engine that those see who do not walk themselves. */
    @ArchTest
    static final ArchRule sessions_see_a_narrow_face_of_the_pass = classes()
            .that()
            .resideInAPackage(INTERNAL + ".session..")
            .should(onlyKnowOf(
                    ".pass",
                    Set.of(
                            "PassPartials",
                            "MergedPartials",
                            "PassResults",
                            "FiniteCheck",
                            "CompensatedSum",
                            "Moments")));

    @ArchTest
    static final ArchRule linearisations_see_a_narrow_face_of_the_pass = classes()
            .that()
            .resideInAPackage(INTERNAL + ".linearization..")
            .should(onlyKnowOf(".pass", Set.of("Products")));

    @ArchTest
    static final ArchRule plans_alone_build_layouts = noClasses()
            .that()
            .resideOutsideOfPackages(INTERNAL + ".plan..", INTERNAL + ".layout..")
            .should()
            .callConstructorWhere(DescribedPredicate.describe(
                    "builds a layout",
                    call -> Set.of("SiteLayout", "PassLayout")
                            .contains(call.getTargetOwner().getSimpleName())));

    @ArchTest
    static final ArchRule the_public_api_is_put_together_in_one_place = noClasses()
            .that()
            .resideInAPackage("io.backpack4j.kernel")
            .and()
            .doNotHaveFullyQualifiedName(BackPack.class.getName())
            .and()
            .doNotHaveFullyQualifiedName(BackPack.class.getName() + "$Builder")
            .should()
            .dependOnClassesThat()
            .resideInAPackage(INTERNAL + "..");

    private static ArchCondition<JavaClass> onlyKnowTheirRooms() {
        return new ArchCondition<>("only know the rooms that are named for theirs") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                String own = room(type);
                Set<String> known = ARROWS.get(own);
                if (known == null) {
                    events.add(SimpleConditionEvent.violated(type, own + " is no room that has arrows"));
                    return;
                }
                type.getDirectDependenciesFromSelf().forEach(dependency -> {
                    JavaClass target = dependency.getTargetClass().getBaseComponentType();
                    if (target.getPackageName().startsWith(INTERNAL)) {
                        String room = room(target);
                        boolean allowed = room.equals(own) || known.contains(room);
                        events.add(new SimpleConditionEvent(type, allowed, dependency.getDescription()));
                    }
                });
            }
        };
    }

    /** The part of a package's name behind {@link #INTERNAL}; empty for that itself. */
    private static String room(JavaClass type) {
        String rest = type.getPackageName().substring(INTERNAL.length());
        return rest.isEmpty() ? rest : rest.substring(1).split("\\.")[0];
    }

    private static ArchCondition<JavaClass> onlyKnowOf(String room, Set<String> face) {
        return new ArchCondition<>("know no classes of " + room + " but " + face) {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                type.getDirectDependenciesFromSelf().forEach(dependency -> {
                    JavaClass target = dependency.getTargetClass().getBaseComponentType();
                    if (target.getPackageName().equals(INTERNAL + room)) {
                        String outer = target.getName()
                                .substring(target.getPackageName().length() + 1)
                                .split("\\$")[0];
                        events.add(new SimpleConditionEvent(type, face.contains(outer), dependency.getDescription()));
                    }
                });
            }
        };
    }
}
