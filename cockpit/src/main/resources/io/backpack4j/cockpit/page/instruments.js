// The instruments: what they draw, and what they tell, in two sentences each.

function balanceOf(value) {
  const share = each => `class ${each.class} ${(100 * each.share).toPrecision(3)} %`;
  return value.most ? `${value.samples} samples of ${value.classes} classes: most ${share(value.most)}, least ${share(value.least)}` : '';
}

function scaleOf(value) {
  return `mean ${shown(value.mean)}, deviation ${shown(value.deviation)}, largest feature ${shown(value.spread)} times the median`;
}

const INSTRUMENTS = [
  {group: 'Step size', id: 'alpha', title: 'Normalised step', types: ['Alpha'], kind: 'alpha',
   why: 'Where steps end on a parabola through the loss along them: on its start side, in its minimum, or beyond. The learning rate is too high if the blue hill stays far right of the minimum, and too low if it sits at the start.'},
  {group: 'Step size', id: 'distance', title: 'Distance and update size', types: ['Distance', 'UpdateSize'], how: 'norm',
   why: 'How far the weights are from where they began, and how long each step is (dashed). A distance that stops growing while steps stay long means that training walks in circles.'},
  {group: 'Step size', id: 'gradnorm', title: 'Gradient norm', types: ['GradNorm'], how: 'norm',
   why: 'The length of the mean gradient over all parameters. If it falls to nothing while the loss is high, gradients vanish; if it leaps by orders of magnitude, they explode.'},
  {group: 'Step size', id: 'updateratio', title: 'Update to weight', types: ['UpdateRatio'], each: 'layers',
   why: 'The length of an update relative to that of the weights, layer by layer. Around 0.001 is usual: much less and a layer hardly learns, much more and it forgets what it knew.'},
  {group: 'Step size', id: 'dead', title: 'Dead units', types: ['DeadUnits'], each: 'layers', share: true,
   why: 'The share of each activation\'s units that are zero for every sample of the batch. Such units no longer learn: if the share grows, the learning rate is too high, or biases have drifted far below zero.'},
  {group: 'Step size', id: 'saturation', title: 'Saturation', types: ['Saturation'], each: 'layers', share: true,
   why: 'The share of each activation\'s outputs that lie near the ends of its range, where hardly any gradient passes. If it is high from the start, initial weights or inputs are too large; if it grows, weights are.'},
  {group: 'Gradients', id: 'tests', title: 'Gradient tests', types: ['NormTest', 'InnerTest', 'OrthoTest'],
   why: 'How much gradients of single samples scatter around their mean, altogether, along it and across it. Where the norm test is near 1 or above, the mean is hardly more than noise: the batch is too small for its direction to be trusted.'},
  {group: 'Gradients', id: 'hist1d', title: 'Gradient elements', types: ['GradHist1d'], kind: 'bars',
   why: 'How many elements of all samples\' gradients have which size, newest step, on a logarithmic scale. A lone peak at zero means that little is learned; mass in the outer bins means outliers, or inputs on a wrong scale.'},
  {group: 'Gradients', id: 'hist2d', title: 'Gradient elements and parameters', types: ['GradHist2d'], kind: 'heat',
   why: 'Gradient elements (upwards) against the values of their parameters (to the right), newest step. Both should lie in one cloud around zero: stripes or islands show layers that are initialised or scaled unlike the others.'},
  {group: 'Gradients', id: 'noise', title: 'Gradient noise scale', types: ['NoiseScale'],
   why: 'About the batch size beyond which larger batches stop helping. If it is far above yours, a larger batch makes steps much better; if it is far below, a smaller one would do.'},
  {group: 'Gradients', id: 'unusual', title: 'Unusual samples', types: ['UnusualSamples'], kind: 'samples',
   why: 'The samples of the newest batch with the longest gradients, and those that pull against all others. The same ids again and again are worth a look: labels may be wrong, or inputs broken.'},
  {group: 'Curvature', id: 'maxev', title: 'Largest eigenvalue', types: ['HessMaxEV'],
   why: 'How sharply the loss bends in its sharpest direction. Plain gradient descent cannot settle with a learning rate above 2 divided by it.'},
  {group: 'Curvature', id: 'trace', title: 'Trace of the curvature', types: ['HessTrace'], how: 'sum',
   why: 'The curvature summed over all directions. A fall means that training moves into a flatter region; a sudden rise often comes before the loss blows up.'},
  {group: 'Curvature', id: 'tic', title: 'Takeuchi information criterion', types: ['TICDiag', 'TICTrace'],
   why: 'The noise of gradients relative to the curvature, which relates to the gap between training and test loss. If it rises while the training loss falls, the network begins to over-fit.'},
  {group: 'Curvature', id: 'eigenvalues', title: 'Outer eigenvalues', types: ['Eigenvalues'], each: 'ordinal',
   why: 'The largest and the smallest eigenvalues of the Hessian. Few large ones above a crowd near zero are usual; clearly negative ones say that training is near a saddle.'},
  {group: 'Curvature', id: 'directions', title: 'Curvature and its noise', types: ['CurvatureNoise'], kind: 'directions', each: 'ordinal',
   why: 'The leading eigenvalues of the Gauss-Newton matrix, and how well slope and curvature along their directions are known: the squared mean over the variance of single samples, newest step. A ratio below 1 / (batch size) says that the direction is mostly noise, and needs damping or a larger batch.'},
  {group: 'Learning', id: 'rate', title: 'Learning rate', epochs: ['learning_rate'],
   why: 'The learning rate epoch by epoch. Compare its changes with what the other instruments show at the same time.'},
  {group: 'Learning', id: 'loss', title: 'Loss of the batch', types: ['Loss'],
   why: 'The loss of each batch, with its moving average. If the average no longer falls, look at the step size and the gradient tests for the reason.'},
  {group: 'Learning', id: 'losses', title: 'Losses of epochs', epochs: ['train_loss', 'valid_loss', 'test_loss'],
   why: 'The loss over whole epochs, of training and validation. A validation loss that rises while the training loss falls means over-fitting.'},
  {group: 'Learning', id: 'accuracy', title: 'Accuracies', epochs: ['train_accuracy', 'valid_accuracy', 'test_accuracy'],
   why: 'The share of samples that are classified rightly. A large gap between training and validation means over-fitting; both low means that the network is too small or learns too slowly.'},
  {group: 'Data', id: 'balance', title: 'Balance of classes', types: ['ClassBalance'], share: true, details: balanceOf,
   why: 'How evenly all samples so far are spread over classes: 1 if all are equally frequent, 0 if there is only one. Far below 1, an accuracy may be high though rare classes are never found.'},
  {group: 'Data', id: 'inputs', title: 'Scale of inputs', types: ['InputScale'], details: scaleOf,
   why: 'The root of the mean square of the inputs, about 1 where they are normalised. Much larger or smaller inputs, or features of very unlike scales, make the loss long and narrow, so that no learning rate suits all weights.'},
  {group: 'More', id: 'gsnr', title: 'Signal to noise', types: ['MeanGSNR'],
   why: 'How large mean gradients are relative to their scatter, element by element. High values early in training go with networks that generalise well.'},
  {group: 'More', id: 'cabs', title: 'Suggested batch size', types: ['CABS'],
   why: 'The batch size that suits the learning rate by the CABS rule. If it is far above yours, raise the batch size or lower the learning rate.'},
  {group: 'More', id: 'stopping', title: 'Early stopping', types: ['EarlyStopping'], zero: true,
   why: 'Whether the gradient can still be told from noise, without validation data. Above zero for a while means that nothing more is to be learned from this training set.'},
  {group: 'Layers', id: 'layers', title: 'Layer by layer', types: ['GradHist2d'], kind: 'individual',
   why: 'Gradient elements against the values of one parameter each. A parameter whose cloud is a point or a line does not take part in learning.'},
];

const KNOWN = new Set(INSTRUMENTS.flatMap(each => each.types || []));
