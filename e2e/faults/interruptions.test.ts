import { tellStories } from './trouble.ts';
import { interruptions } from './troubles.ts';

tellStories('the main job, when connections and programs fail,', interruptions);
