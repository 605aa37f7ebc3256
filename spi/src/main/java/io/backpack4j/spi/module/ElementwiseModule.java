package io.backpack4j.spi.module;

import io.backpack4j.spi.backend.Activation;

/** A module that applies one function to every element. */
public interface ElementwiseModule extends Module {

    /** The function. */
    Activation activation();
}
