"""The embedded data sets' instruments and composer: General MIDI notes and pieces, made here, rendered by
FluidSynth."""
