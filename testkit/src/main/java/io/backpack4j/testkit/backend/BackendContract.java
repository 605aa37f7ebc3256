// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.testkit.Randomness;
import io.backpack4j.testkit.heap.HeapBackend;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What holds for every backend. A test of a backend extends this class and says how to open it. Every operation is
 * compared with {@link HeapBackend}, in both types, at random shapes, with axes of size zero, and with destinations
 * that are operands where that is allowed; then come scopes, memory, and handles that are closed or another backend's.
 */
public abstract class BackendContract {

    private final Random seeds = Randomness.of(getClass().getName());
    private Backend backend = new HeapBackend();

    /** Opens the backend under test; called before every test, and by some once more. */
    protected abstract Backend open();

    /** How far results may lie from those of exact loops, per unit of the largest element. */
    protected double tolerance(DType dtype) {
        return dtype == DType.FLOAT32 ? 2e-5 : 1e-12;
    }

    @BeforeEach
    final void openBackend() {
        backend.close();
        backend = open();
    }

    @AfterEach
    final void closeBackend() {
        assertThat(backend.memory().openTensors())
                .as("open tensors after a test")
                .isZero();
        backend.close();
        backend = new HeapBackend();
    }

    private BackendComparison both() {
        return new BackendComparison(backend, seeds, this::tolerance);
    }

    private DecompositionChecks decompositions() {
        return new DecompositionChecks(backend, seeds, this::tolerance);
    }

    private MemoryChecks memory() {
        return new MemoryChecks(backend, this::open);
    }

    @Test
    final void fillsAndCopies() {
        new ElementwiseChecks(both()).fillsAndCopies();
    }

    @Test
    final void appliesFunctionsOfOneNumber() {
        new ElementwiseChecks(both()).appliesFunctionsOfOneNumber();
    }

    @Test
    final void combinesStretchedShapes() {
        new ElementwiseChecks(both()).combinesStretchedShapes();
    }

    @Test
    final void scalesAndAdds() {
        new ElementwiseChecks(both()).scalesAndAdds();
    }

    @Test
    final void updatesWithMomentum() {
        new ElementwiseChecks(both()).updatesWithMomentum();
    }

    @Test
    final void updatesAsAdam() {
        new ElementwiseChecks(both()).updatesAsAdam();
    }

    @Test
    final void activates() {
        new ElementwiseChecks(both()).activates();
    }

    @Test
    final void reduces() {
        new ReductionChecks(both()).reduces();
    }

    @Test
    final void normalisesAndCounts() {
        new ReductionChecks(both()).normalisesAndCounts();
    }

    @Test
    final void measuresDifferences() {
        new ReductionChecks(both()).measuresDifferences();
    }

    @Test
    final void findsWhatIsNotFinite() {
        new ReductionChecks(both()).findsWhatIsNotFinite();
    }

    @Test
    final void multipliesMatrices() {
        new ProductChecks(both()).multipliesMatrices();
    }

    @Test
    final void addsGramMatrices() {
        new GramChecks(both()).addsGramMatrices();
    }

    @Test
    final void movesElements() {
        new IndexingChecks(both()).movesElements();
    }

    @Test
    final void pads() {
        new IndexingChecks(both()).pads();
    }

    @Test
    final void gathersAndScatters() {
        new IndexingChecks(both()).gathersAndScatters();
    }

    @Test
    final void drawsByCounter() {
        new DrawChecks(both()).drawsByCounter();
    }

    @Test
    final void contractsProducts() {
        new TileChecks(both()).contractsProducts();
    }

    @Test
    final void contractsTilesThatExist() {
        new TileChecks(both()).contractsTilesThatExist();
    }

    @Test
    final void addsUpInDoublePrecision() {
        new TileChecks(both()).addsUpInDoublePrecision();
    }

    @Test
    final void unfoldsAndFolds() {
        new ConvolutionChecks(both()).unfoldsAndFolds();
    }

    @Test
    final void convolves() {
        new ConvolutionChecks(both()).convolves();
    }

    @Test
    final void convolvesManySamples() {
        new ConvolutionChecks(both()).convolvesManySamples();
    }

    @Test
    final void contractsConvolutions() {
        new ConvolutionChecks(both()).contractsConvolutions();
    }

    @Test
    final void sumsConvolutions() {
        new ConvolutionChecks(both()).sumsConvolutions();
    }

    @Test
    final void takesNormsOfConvolutions() {
        new ConvolutionChecks(both()).takesNormsOfConvolutions();
    }

    @Test
    final void unfoldsTransposed() {
        new GramChecks(both()).unfoldsTransposed();
    }

    @Test
    final void addsGramMatricesOfInputs() {
        new GramChecks(both()).addsGramMatricesOfInputs();
    }

    @Test
    final void addsGramMatricesOfOutputs() {
        new GramChecks(both()).addsGramMatricesOfOutputs();
    }

    @Test
    final void addsGramMatricesOfNeighbours() {
        new GramChecks(both()).addsGramMatricesOfNeighbours();
    }

    @Test
    final void addsGramMatricesOfManyVectors() {
        new GramChecks(both()).addsGramMatricesOfManyVectors();
    }

    @Test
    final void addsGramMatricesOfManySamples() {
        new GramChecks(both()).addsGramMatricesOfManySamples();
    }

    @Test
    final void findsMaxima() {
        new PoolingChecks(both()).findsMaxima();
    }

    @Test
    final void findsTheFirstOfEqualMaxima() {
        new PoolingChecks(both()).findsTheFirstOfEqualMaxima();
    }

    @Test
    final void findsAdaptiveMaxima() {
        new PoolingChecks(both()).findsAdaptiveMaxima();
    }

    @Test
    final void scattersAndGathersPlanes() {
        new PoolingChecks(both()).scattersAndGathersPlanes();
    }

    @Test
    final void resamples() {
        new PoolingChecks(both()).resamples();
    }

    @Test
    final void goesThroughTime() {
        new RecurrenceChecks(both()).goesThroughTime();
    }

    @Test
    final void recurrencesEqualLoopsAndDifferences() {
        new RecurrenceChecks(both()).equalsLoopsAndDifferences();
    }

    @Test
    final void eigenvectorsMakeTheMatrixAndAreOrthonormal() {
        decompositions().eigenvectorsMakeTheMatrixAndAreOrthonormal();
    }

    @Test
    final void someEigenvaluesAndVectorsAreThoseOfAll() {
        decompositions().someEigenvaluesAndVectorsAreThoseOfAll();
    }

    @Test
    final void choleskyFactorsMakeTheMatrixAndAreTriangular() {
        decompositions().choleskyFactorsMakeTheMatrixAndAreTriangular();
    }

    @Test
    final void largeFactorsMakeTheMatrix() {
        decompositions().largeFactorsMakeTheMatrix();
    }

    @Test
    final void inversesInvert() {
        decompositions().inversesInvert();
    }

    @Test
    final void operandsMayBeDestinations() {
        decompositions().operandsMayBeDestinations();
    }

    @Test
    final void veryLargeAndVerySmallNumbersAreDecomposed() {
        decompositions().veryLargeAndVerySmallNumbersAreDecomposed();
    }

    @Test
    final void diagonalsAreTakenAndPut() {
        decompositions().diagonalsAreTakenAndPut();
    }

    @Test
    final void solutionsSolve() {
        decompositions().solutionsSolve();
    }

    @Test
    final void theUpperTriangleDoesNotMatter() {
        decompositions().theUpperTriangleDoesNotMatter();
    }

    @Test
    final void nothingIsDecomposedIntoNothing() {
        decompositions().nothingIsDecomposedIntoNothing();
    }

    @Test
    final void whatIsNotPositiveDefiniteIsRefused() {
        decompositions().whatIsNotPositiveDefiniteIsRefused();
    }

    @Test
    final void whatIsNotFiniteIsRefused() {
        decompositions().whatIsNotFiniteIsRefused();
    }

    @Test
    final void handlesShareMemory() {
        memory().handlesShareMemory();
    }

    @Test
    final void accountsCountWhatTheirThreadTakes() {
        memory().accountsCountWhatTheirThreadTakes();
    }

    @Test
    final void whatIsClosedIsNotUsed() {
        memory().whatIsClosedIsNotUsed();
    }

    @Test
    final void anotherBackendsTensorsAreRefused() {
        memory().anotherBackendsTensorsAreRefused();
    }

    @Test
    final void rangesAndShapesAreChecked() {
        memory().rangesAndShapesAreChecked();
    }

    @Test
    final void equalScopesTakeNoNewMemory() {
        memory().equalScopesTakeNoNewMemory();
    }

    @Test
    final void twoBackendsDoNotDisturbEachOther() {
        memory().twoBackendsDoNotDisturbEachOther();
    }
}
