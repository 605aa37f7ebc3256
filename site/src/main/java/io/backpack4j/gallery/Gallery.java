// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.gallery;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What the gallery shows, in its order. */
public final class Gallery {

    /**
     * A room of the gallery.
     *
     * @param title its heading
     * @param programs classes with a {@code main}
     */
    public record Room(String title, List<Class<?>> programs) {}

    /** All programs, each once. */
    public static final List<Room> ROOMS = List.of(
            new Room("Basics", List.of(FirstOrder.class, SecondOrder.class, GradientOutliers.class, Subsamples.class)),
            new Room(
                    "Networks",
                    List.of(ResidualNetwork.class, RecurrentNetwork.class, TangentKernel.class, OnnxModels.class)),
            new Room(
                    "Products, traces, Jacobians",
                    List.of(TraceEstimation.class, Jacobians.class, VarianceGradient.class, LeadingDirections.class)),
            new Room(
                    "Training",
                    List.of(
                            Training.class,
                            CurvatureOptimizer.class,
                            NewtonSteps.class,
                            CockpitRun.class,
                            PrivateTraining.class)),
            new Room("What a trained network knows", List.of(Uncertainty.class, WhoDidThat.class, Pruning.class)),
            new Room("Much data, little memory", List.of(Sessions.class, MemoryBudget.class, HandedOver.class)),
            new Room("Of one's own", List.of(CustomModule.class, CustomLoss.class, CustomExtension.class)));

    private Gallery() {}

    /**
     * Runs a program.
     *
     * @param pictures where it puts its pictures
     * @return what it prints
     */
    public static String run(Class<?> program, Path pictures) throws ReflectiveOperationException {
        PrintStream before = System.out;
        Locale locale = Locale.getDefault();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        Locale.setDefault(Locale.ROOT);
        try {
            program.getMethod("main", String[].class).invoke(null, (Object) new String[] {pictures.toString()});
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(
                    "The gallery's " + program.getSimpleName() + " failed after printing:\n"
                            + bytes.toString(StandardCharsets.UTF_8),
                    e.getCause());
        } finally {
            Locale.setDefault(locale);
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
