/**
 * Training: data becomes batches, a step is one pass and one update, listeners see both.
 *
 * <p>Start at {@link io.backpack4j.training.Trainer}:
 *
 * <pre>{@code
 * Trainer trainer = Trainer.builder(backpack, model)
 *         .optimizer(new Adam(2e-3))
 *         .epochs(20)
 *         .batch(64)
 *         .metric(new Accuracy())
 *         .validation(heldOut)
 *         .build();
 * TrainingResult result = trainer.fit(digits);
 * }</pre>
 *
 * <p><b>A step</b> is, in this order: the batch; everybody's needs ({@link
 * io.backpack4j.training.OptimizerRun#prepare}, {@link io.backpack4j.training.TrainingListener#prepare}) merged into
 * one plan; <i>one</i> pass; {@link io.backpack4j.training.TrainingListener#onTrainingBatch} with results, gradients
 * and the parameters before the step; clipping; {@link io.backpack4j.training.OptimizerRun#step}; {@link
 * io.backpack4j.training.TrainingListener#onStepped}; the schedule. Nothing walks the network twice because two modules
 * asked for the same.
 *
 * <p><b>How to add an optimiser.</b> Write an {@link io.backpack4j.training.Optimizer}, best a record with PyTorch's
 * names, its {@link io.backpack4j.training.OptimizerRun}, and an {@link io.backpack4j.training.OptimizerProvider} that
 * a plugin returns from {@link io.backpack4j.spi.Plugin#services()}: a jar on the class path adds it. In {@code
 * prepare} the run says what it needs of the next pass (a curvature, say, and only in those steps in which factors are
 * renewed); in {@code step} it finds that among {@link io.backpack4j.training.OptimizerStep#results}, beside the
 * gradients (clipped, if asked for), the batch and the seed of the pass for products of its own ({@link
 * io.backpack4j.kernel.BackPack#linearize}), and rates per parameter from groups and the schedule. It updates the
 * model's tensors in place with the backend's operations and reads nothing back that it need not. All that it remembers
 * goes through {@code save} and {@code load} of a {@link io.backpack4j.training.State}, so that a checkpoint resumes
 * with the same bits.
 *
 * <p>Whatever divides by curvature takes it from a {@link io.backpack4j.spi.extension.CurvatureExtension}, without
 * knowing which: {@code io.backpack4j.training.curvature} has three such optimisers.
 *
 * <p><b>How to watch.</b> A {@link io.backpack4j.training.TrainingListener} asks for extensions and brings operands in
 * {@code prepare}, reads results in {@code onTrainingBatch}, sees the parameters after the update in {@code onStepped}
 * (the results are still open there), writes lines with {@link io.backpack4j.training.Training#log}, ends the run with
 * {@link io.backpack4j.training.Training#stop}, and keeps what it must remember in the same {@code State}. Requests of
 * the same extension by several are one; look results up by the extension ({@link io.backpack4j.kernel.Results#get}),
 * not by name, for names that clash are changed. The pass is run with {@link io.backpack4j.kernel.NanPolicy#IGNORE}:
 * what is not finite is reported after listeners have written their lines.
 *
 * <p>Everything runs in the thread that calls {@code fit}; only data is read by a background thread. Same seed, data,
 * threads and backend: same bits.
 */
@NullMarked
package io.backpack4j.training;

import org.jspecify.annotations.NullMarked;
